// The sandbox's objects: buckets in memory, of bounded size. Knows nothing of HTTP. One thread.
#pragma once

#include "proxy/sandbox/message.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::proxy::sandbox {

struct object {
    std::string body;
    std::string content_type;
    std::vector<field> kept; // headers that come back with the object: x-amz-meta-*, Cache-Control, …
    std::string etag;        // MD5 in hex, within quotes
    std::chrono::sys_seconds modified;
};

struct list_question {
    std::string prefix;
    std::string delimiter; // "": none
    std::string after;     // only keys behind this one
    std::size_t most = 1000;
};

struct listing {
    struct entry {
        std::string_view key;
        const object* what;
    };
    std::vector<entry> objects;
    std::vector<std::string> common_prefixes;
    std::string last; // continue after this one when truncated
    bool truncated = false;
};

enum class bucket_error : std::uint8_t { none, no_such_bucket, bucket_exists, bucket_not_empty, bucket_name, full };

class bucket_set {
public:
    struct bucket {
        std::chrono::sys_seconds created;
        std::map<std::string, object, std::less<>> objects; // ordered bytewise, as listings are
    };

    // `capacity`: bytes of all bodies, keys and metadata together, with 512 for each bucket and object.
    explicit bucket_set(std::size_t capacity) : capacity_(capacity) {}

    bucket_error create(std::string_view name, std::chrono::sys_seconds now);
    bucket_error remove(std::string_view name);
    bucket_error store(std::string_view bucket, std::string_view key, object what);
    bucket_error erase(std::string_view bucket, std::string_view key); // a key that is not there is no error

    // nullptr when there is none. Good until the next change.
    const bucket* find(std::string_view name) const noexcept;
    const object* find(std::string_view bucket, std::string_view key) const noexcept;

    const std::map<std::string, bucket, std::less<>>& all() const noexcept { return buckets_; }
    std::size_t used() const noexcept { return used_; }

private:
    std::map<std::string, bucket, std::less<>> buckets_;
    std::size_t capacity_;
    std::size_t used_ = 0;
};

// Keys with `prefix`, those with the delimiter behind it folded into their common prefix. Views into `where`.
listing list_objects(const bucket_set::bucket& where, const list_question& what);

// 3 to 63 of a-z 0-9 . - with a letter or digit at both ends.
bool is_bucket_name(std::string_view name) noexcept;

// MD5 of the body, in hex within quotes: the ETag of an object that was put in one piece. Throws std::runtime_error
// where OpenSSL has no MD5.
std::string etag_of(std::string_view body);

} // namespace countersign::proxy::sandbox
