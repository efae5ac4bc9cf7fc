// S3 buckets in host names that no certificate of S3's covers. The certificates have *.ENDPOINT, and a wildcard stands
// for one label of letters, digits and hyphens (RFC 6125 6.4.3): my.bucket.s3.eu-west-1.amazonaws.com has two, and
// OpenSSL takes no underscore either. SDKs put such a bucket in front of the path. Pure lookups; any thread.
#pragma once

#include <optional>
#include <string_view>

namespace countersign::signer {

// Views into the host that was asked about.
struct uncovered_bucket {
    std::string_view bucket;    // my.bucket
    std::string_view endpoint;  // what stands behind it: s3.eu-west-1.amazonaws.com
    bool names_region = true;   // false: s3.amazonaws.com
    bool has_path_style = true; // false: S3 Transfer Acceleration takes no such bucket at all
};

// Nothing for hosts without a bucket, with one that is covered, and of S3's other endpoints (access points, Outposts
// and more), whose names AWS chooses. REQUIRES: host is lower-case, without port and trailing dot.
std::optional<uncovered_bucket> uncovered_bucket_in(std::string_view host) noexcept;

// Does a path that follows a bucket's name, "/../other/key", lead out of the bucket for who resolves dot segments? S3
// does not. Percent-decoded once; empty segments lead nowhere.
bool leaves_bucket(std::string_view path) noexcept;

} // namespace countersign::signer
