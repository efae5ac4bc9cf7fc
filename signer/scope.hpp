// What a host name says about the signature: service (signing name), region, partition; and what is special about
// signing for that service. Pure lookups in constant tables, no allocation. Any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

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

// May `region` stand where `known` stands: is it of a region's form, and of the same partition?
bool is_region_beside(std::string_view region, std::string_view known) noexcept;

// Why a host has no scope.
enum class scope_refusal : std::uint8_t {
    not_aws,             // below none of AWS's DNS suffixes
    customer_controlled, // below one, but somebody's own machine answers there (EC2, ELB, RDS, S3 website, …)
    not_signed,       // AWS's, but it asks for a password, a token or a certificate and not for SigV4 (ECR's registry)
    unknown_endpoint, // below one, but of no known shape
};

// REQUIRES: host is lower-case, without port and trailing dot.
std::variant<host_scope, scope_refusal> scope_of(std::string_view host) noexcept;

// The service where two share a host and the path, as sent, says which is asked; "" for all other hosts. maps.geo,
// places.geo and routes.geo are geo-maps, geo-places and geo-routes below /v2/, Amazon Location's older geo elsewhere.
std::string_view service_by_path(std::string_view host, std::string_view path) noexcept;

// scope_of(host) for a request with this path: service_by_path decides about the service. REQUIRES: as scope_of(host).
std::variant<host_scope, scope_refusal> scope_of(std::string_view host, std::string_view path) noexcept;

// How the canonical path is made (CanonicalUri in "Create a signed AWS API request").
enum class path_rule : std::uint8_t {
    standard, // normalised (RFC 3986 5.2.4), then percent-encoded once more
    s3,       // exactly as sent
    // The two steps of `standard` one by one. No service has these; `countersign sign` offers them.
    normalized_only,
    encoded_only,
};

// In which form a service's clients expect errors.
enum class wire_protocol : std::uint8_t { text, rest_xml, query_xml, ec2_xml, json };

struct service_traits {
    path_rule path = path_rule::standard;
    bool content_sha256_header = false; // the service demands x-amz-content-sha256
    bool payload_unsigned = false;      // it takes no other payload hash than UNSIGNED-PAYLOAD
    bool token_after_signing = false;   // a presigned URL's session token is added unsigned
    wire_protocol errors = wire_protocol::json;
};

// Traits by signing name; the defaults for a name that is not known.
const service_traits& traits_of(std::string_view service) noexcept;

} // namespace countersign::signer
