// A small S3 in memory: buckets and objects, path style and virtual-hosted. Signatures were checked before.
// What it does not have (multipart, copies, ACLs, versions) is refused as NotImplemented, never ignored. Bodies come
// without coding (upload.hpp). One thread.
#pragma once

#include "proxy/sandbox/bucket.hpp"
#include "proxy/sandbox/error.hpp"
#include "proxy/sandbox/message.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <variant>

namespace countersign::proxy::sandbox {

// The subject of a request. key "" = the bucket; bucket "" = the account.
struct s3_place {
    std::string bucket;
    std::string key; // decoded: any bytes
};

// bucket.s3.region.amazonaws.com + /key, or s3.region.amazonaws.com (or an address) + /bucket/key.
s3_place place_of(std::string_view host, std::string_view path);

service_error no_such_bucket(const s3_place& where);

class s3 {
public:
    explicit s3(std::size_t capacity) : buckets_(capacity) {}

    std::variant<answer, service_error> respond(const request& ask, std::chrono::sys_seconds now);

private:
    using outcome = std::variant<answer, service_error>;

    answer account() const;
    outcome bucket(const request& ask, const s3_place& where, std::chrono::sys_seconds now);
    outcome object_of(const request& ask, const s3_place& where, std::chrono::sys_seconds now);
    outcome get(const request& ask, const s3_place& where) const;
    outcome put(const request& ask, const s3_place& where, std::chrono::sys_seconds now);
    outcome list(const s3_place& where, const std::vector<field>& form) const;

    bucket_set buckets_;
};

// RFC 9110 section 14.1.2, one range: "bytes=0-9", "bytes=5-", "bytes=-3" → first and last position.
enum class range_kind : std::uint8_t { whole, part, unsatisfiable };
struct byte_range {
    range_kind kind = range_kind::whole;
    std::size_t first = 0;
    std::size_t last = 0;
};
// Malformed or with several ranges: whole, as a server may ignore them.
byte_range parse_range(std::string_view header, std::size_t size) noexcept;

} // namespace countersign::proxy::sandbox
