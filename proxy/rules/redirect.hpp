// Where S3 sends a request that came to the wrong place: a young bucket whose name leads to us-east-1 still (307), or a
// bucket in another region than the host names (301). As botocore's S3RegionRedirectorv2 has it, but no Location is
// followed to anywhere except another endpoint of S3's, for the same bucket, in the same partition. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace countersign::proxy {

// What the answer says.
struct redirect_answer {
    unsigned status = 0;
    std::string_view code;     // the service's error code
    std::string_view region;   // x-amz-bucket-region, else <Region>
    std::string_view location; // Location
    std::string_view endpoint; // <Endpoint>
};

struct redirect_target {
    std::string host;
    std::string region;
};

// `host` is the client's, and the request was signed for `region`. nullopt: the answer is no redirect, or none to
// follow.
std::optional<redirect_target>
read_redirect(const redirect_answer& said, std::string_view host, std::string_view region);

// The same endpoint in another region: bucket.s3.amazonaws.com, eu-west-1 → bucket.s3.eu-west-1.amazonaws.com. "" for
// endpoints that have no such counterpart (accelerate, access points, other services).
std::string s3_host_in(std::string_view host, std::string_view region);

// Is the bucket a part of the host's name, and not of the path?
bool names_bucket(std::string_view host) noexcept;

} // namespace countersign::proxy
