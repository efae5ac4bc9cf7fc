#include "signer/key.hpp"

#include "signer/key_memory.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

namespace countersign::signer {
namespace {

// The bytes of a digest that is a key: wiped when no longer needed.
class key_bytes {
public:
    explicit key_bytes(const digest& bytes) noexcept : bytes_(bytes) {}
    ~key_bytes() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }
    key_bytes(const key_bytes&) = delete;
    key_bytes& operator=(const key_bytes&) = delete;

    std::string_view view() const noexcept { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }
    key_bytes next(std::string_view text) const noexcept { return key_bytes(hmac_key(view()).mac(text)); }

private:
    digest bytes_;
};

} // namespace

signing_key signing_key::derive(
    std::string_view secret, std::string_view day, std::string_view region, std::string_view service
) noexcept {
    const key_bytes of_day(hmac_key("AWS4", secret).mac(day));
    const key_bytes of_region = of_day.next(region);
    const key_bytes of_service = of_region.next(service);
    const key_bytes last = of_service.next("aws4_request");
    return signing_key(last.view());
}

struct key_cache::entry : in_key_memory {
    std::string access_key_id;
    key_text secret;
    std::string day;
    std::string region;
    std::string service;
    signing_key key;

    bool is_for(
        std::string_view wanted_id,
        std::string_view wanted_secret,
        std::string_view wanted_day,
        std::string_view wanted_region,
        std::string_view wanted_service
    ) const noexcept {
        return service == wanted_service && region == wanted_region && day == wanted_day &&
               access_key_id == wanted_id && secret.size() == wanted_secret.size() &&
               CRYPTO_memcmp(secret.data(), wanted_secret.data(), secret.size()) == 0;
    }
};

key_cache::key_cache(std::size_t capacity) : capacity_(std::max<std::size_t>(capacity, 1)) {}

key_cache::~key_cache() = default;

const signing_key& key_cache::find(
    std::string_view access_key_id,
    std::string_view secret,
    std::string_view day,
    std::string_view region,
    std::string_view service
) {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const auto& e) {
        return e->is_for(access_key_id, secret, day, region, service);
    });
    if (found != entries_.end()) {
        // The latest comes first: the next request most likely wants it again.
        std::rotate(entries_.begin(), found, found + 1);
        return entries_.front()->key;
    }
    if (entries_.size() >= capacity_) {
        entries_.pop_back();
    }
    entries_.insert(
        entries_.begin(),
        std::unique_ptr<entry>(new entry{
            {},
            std::string(access_key_id),
            to_key_text(secret),
            std::string(day),
            std::string(region),
            std::string(service),
            signing_key::derive(secret, day, region, service)})
    );
    return entries_.front()->key;
}

void key_cache::clear() noexcept {
    entries_.clear();
}

} // namespace countersign::signer
