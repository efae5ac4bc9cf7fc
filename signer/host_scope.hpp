// The answers to the question for which service, region and partition a host's requests are signed: scope.hpp asks it.
// Plain views; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace countersign::signer {

// The middle of a credential scope.
struct scope {
    std::string_view service;
    std::string_view region;
};

// service points into a constant table, so that no client can make one up; region there or into the host asked about.
struct host_scope {
    std::string_view service;
    std::string_view region;
    std::string_view partition; // aws, aws-cn, aws-us-gov, …
    bool sigv4a = false;        // the endpoint stands for several regions and demands SigV4A; the region is then "*"
    // The host names an S3 bucket, but not its region, which is often another one: bucket.s3.amazonaws.com
    bool is_default_region = false;
};

// Why a host has no scope.
enum class scope_refusal : std::uint8_t {
    not_aws,             // below none of AWS's DNS suffixes
    customer_controlled, // below one, but somebody's own machine answers there (EC2, ELB, RDS, S3 website, …)
    not_signed,       // AWS's, but it asks for a password, a token or a certificate and not for SigV4 (ECR's registry)
    unknown_endpoint, // below one, but of no known shape
};

} // namespace countersign::signer
