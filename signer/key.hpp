// Signing keys and their cache. A key depends on secret, day, region and service only, so one is derived per
// scope and day. One cache per worker thread: not synchronised.
#pragma once

#include "signer/sha256.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::signer {

class signing_key {
public:
    // kSigning = HMAC(HMAC(HMAC(HMAC("AWS4"+secret, day), region), service), "aws4_request"). `day` is
    // YYYYMMDD.
    static signing_key
    derive(std::string_view secret, std::string_view day, std::string_view region, std::string_view service) noexcept;

    digest mac(std::string_view text) const noexcept { return key_.mac(text); }

private:
    explicit signing_key(std::string_view key) noexcept : key_(key) {}
    hmac_key key_;
};

// Remembers the keys in use. Bounded: with more scopes than `capacity` the least recently used key goes.
class key_cache {
public:
    explicit key_cache(std::size_t capacity = 64);
    ~key_cache();

    // The reference is good until the next call. `secret` decides too (compared in constant time, its copy
    // here is wiped): an access key id whose secret was changed never meets its old keys.
    const signing_key& find(
        std::string_view access_key_id,
        std::string_view secret,
        std::string_view day,
        std::string_view region,
        std::string_view service
    );

    // Forgets everything, for example when credentials were replaced.
    void clear() noexcept;

private:
    struct entry;
    std::vector<std::unique_ptr<entry>> entries_; // the most recently used first
    std::size_t capacity_;
};

} // namespace countersign::signer
