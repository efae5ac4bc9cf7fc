#include "signer/sigv4a.hpp"

#include "signer/encode.hpp"
#include "signer/key_memory.hpp"
#include "signer/sha256.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <stdexcept>
#include <utility>

namespace countersign::signer {
namespace {

constexpr std::size_t number_size = 32;

// n − 1, where n is the order of P-256 (FIPS 186-4, D.1.2.3).
constexpr std::array<unsigned char, number_size> order_less_one{
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x50};

struct free_openssl {
    void operator()(BIGNUM* number) const noexcept { BN_clear_free(number); }
    void operator()(EC_GROUP* group) const noexcept { EC_GROUP_free(group); }
    void operator()(EC_POINT* point) const noexcept { EC_POINT_free(point); }
    void operator()(OSSL_PARAM_BLD* builder) const noexcept { OSSL_PARAM_BLD_free(builder); }
    void operator()(OSSL_PARAM* parameters) const noexcept { OSSL_PARAM_free(parameters); } // wipes secure parts
};
template <class T>
using owned = std::unique_ptr<T, free_openssl>;

void require(bool done) {
    if (!done) {
        throw ecdsa_failure("OpenSSL failed at an ECDSA P-256 key or signature");
    }
}

// A private number on its way into OpenSSL.
struct private_number {
    std::array<unsigned char, number_size> bytes{};
    private_number() = default;
    ~private_number() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
    private_number(const private_number&) = delete;
    private_number& operator=(const private_number&) = delete;
};

// c ≤ n − 2, that is c < n − 1: does c − (n − 1) borrow? No branch depends on c.
bool is_in_range(const digest& c) noexcept {
    unsigned borrow = 0;
    for (std::size_t i = number_size; i-- > 0;) {
        borrow = ((c[i] - order_less_one[i] - borrow) >> 8) & 1;
    }
    return borrow == 1;
}

// c + 1. REQUIRES: is_in_range(c), so nothing is carried out.
void add_one(const digest& c, private_number& sum) noexcept {
    unsigned carry = 1;
    for (std::size_t i = number_size; i-- > 0;) {
        const unsigned digit = c[i] + carry;
        sum.bytes[i] = static_cast<unsigned char>(digit);
        carry = digit >> 8;
    }
}

// 00000001 ‖ algorithm ‖ 00 ‖ access key id ‖ counter ‖ 00000100
std::string fixed_input(std::string_view access_key_id, unsigned char counter) {
    std::string text("\0\0\0\1", 4);
    text.append(sigv4a_algorithm).push_back('\0');
    text.append(access_key_id).push_back(static_cast<char>(counter));
    return text.append("\0\0\1\0", 4);
}

// About one number in 2^32 is out of range; then the next counter is tried, as AWS does.
void derive_number(std::string_view access_key_id, std::string_view secret, private_number& d) {
    const hmac_key key("AWS4A", secret);
    for (unsigned counter = 1; counter <= 254; ++counter) {
        digest c = key.mac(fixed_input(access_key_id, static_cast<unsigned char>(counter)));
        const bool found = is_in_range(c);
        if (found) {
            add_one(c, d);
        }
        OPENSSL_cleanse(c.data(), c.size());
        if (found) {
            return;
        }
    }
    require(false);
}

curve_point point_of(const BIGNUM& number) {
    const owned<EC_GROUP> group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
    require(group != nullptr);
    const owned<EC_POINT> point(EC_POINT_new(group.get()));
    require(point != nullptr);
    require(EC_POINT_mul(group.get(), point.get(), &number, nullptr, nullptr, nullptr) == 1);
    curve_point bytes;
    require(
        EC_POINT_point2oct(
            group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, bytes.data(), bytes.size(), nullptr
        ) == bytes.size()
    );
    return bytes;
}

// nullptr where the point is none of the curve.
evp_key make_key(const curve_point& point, const BIGNUM* number) {
    const owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
    require(builder != nullptr);
    require(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, SN_X9_62_prime256v1, 0) == 1);
    require(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1);
    if (number != nullptr) {
        require(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, number) == 1);
    }
    const owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
    const evp_context maker(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
    require(parameters != nullptr && maker != nullptr && EVP_PKEY_fromdata_init(maker.get()) == 1);
    EVP_PKEY* made = nullptr;
    const int selection = number != nullptr ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
    const bool fits = EVP_PKEY_fromdata(maker.get(), &made, selection, parameters.get()) == 1;
    evp_key key(made);
    return fits ? std::move(key) : nullptr;
}

evp_context ready(const evp_key& key, int (*begin)(EVP_PKEY_CTX*)) {
    evp_context context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    require(context != nullptr && begin(context.get()) == 1);
    return context;
}

// Lower-case hex only: one signature has one spelling.
bool read_hex(std::string_view hex, std::span<unsigned char> bytes) noexcept {
    if (hex.size() != 2 * bytes.size() || hex.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
        return false;
    }
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<unsigned char>(hex_value(hex[2 * i]) * 16 + hex_value(hex[2 * i + 1]));
    }
    return true;
}

std::string hex_of(std::span<const unsigned char> bytes) {
    std::string hex(2 * bytes.size(), '\0');
    write_hex(bytes, hex.data());
    return hex;
}

} // namespace

std::optional<ecdsa_public_key> ecdsa_public_key::from_hex(std::string_view x, std::string_view y) {
    curve_point point;
    point[0] = POINT_CONVERSION_UNCOMPRESSED;
    const std::span<unsigned char> numbers = std::span(point).subspan(1);
    if (!read_hex(x, numbers.first(number_size)) || !read_hex(y, numbers.last(number_size))) {
        return std::nullopt;
    }
    evp_key key = make_key(point, nullptr);
    if (!key) {
        return std::nullopt;
    }
    evp_context context = ready(key, EVP_PKEY_verify_init);
    return ecdsa_public_key(point, std::move(key), std::move(context));
}

bool ecdsa_public_key::verify(std::string_view string_to_sign, std::string_view hex_der) const noexcept {
    std::array<unsigned char, most_ecdsa_hex / 2> der;
    const std::size_t size = hex_der.size() / 2;
    if (size > der.size() || !read_hex(hex_der, std::span(der).first(size))) {
        return false;
    }
    // OpenSSL compares with its own encoding, so other spellings of the same numbers (BER) are refused.
    const digest hash = sha256_of(string_to_sign);
    return EVP_PKEY_verify(context_.get(), der.data(), size, hash.data(), hash.size()) == 1;
}

std::string ecdsa_public_key::x() const {
    return hex_of(std::span(point_).subspan(1, number_size));
}

std::string ecdsa_public_key::y() const {
    return hex_of(std::span(point_).last(number_size));
}

ecdsa_key ecdsa_key::derive(std::string_view access_key_id, std::string_view secret) {
    private_number d;
    derive_number(access_key_id, secret, d);
    const owned<BIGNUM> number(BN_secure_new());
    require(number != nullptr && BN_bin2bn(d.bytes.data(), number_size, number.get()) != nullptr);
    BN_set_flags(number.get(), BN_FLG_CONSTTIME);
    const curve_point point = point_of(*number);
    evp_key key = make_key(point, number.get());
    require(key != nullptr);
    evp_context context = ready(key, EVP_PKEY_sign_init);
    return ecdsa_key(point, std::move(key), std::move(context));
}

ecdsa_signature ecdsa_key::sign(std::string_view string_to_sign) const {
    std::array<unsigned char, most_ecdsa_hex / 2> der;
    std::size_t size = der.size();
    const digest hash = sha256_of(string_to_sign);
    // Without memory OpenSSL 3.0 calls it done and gives a size that is none.
    const bool done = EVP_PKEY_sign(context_.get(), der.data(), &size, hash.data(), hash.size()) == 1;
    require(done && size > 0 && size <= der.size());
    ecdsa_signature made;
    write_hex(std::span(der).first(size), made.hex_.data());
    made.size_ = 2 * size;
    return made;
}

ecdsa_public_key ecdsa_key::public_key() const {
    evp_key key = make_key(point_, nullptr);
    require(key != nullptr);
    evp_context context = ready(key, EVP_PKEY_verify_init);
    return {point_, std::move(key), std::move(context)};
}

struct ecdsa_key_cache::entry : in_key_memory {
    std::string access_key_id;
    key_text secret;
    ecdsa_key key;

    bool is_for(std::string_view wanted_id, std::string_view wanted_secret) const noexcept {
        return access_key_id == wanted_id && secret.size() == wanted_secret.size() &&
               CRYPTO_memcmp(secret.data(), wanted_secret.data(), secret.size()) == 0;
    }
};

ecdsa_key_cache::ecdsa_key_cache(std::size_t capacity) : capacity_(std::max<std::size_t>(capacity, 1)) {}

ecdsa_key_cache::~ecdsa_key_cache() = default;

const ecdsa_key& ecdsa_key_cache::find(std::string_view access_key_id, std::string_view secret) {
    const auto found =
        std::find_if(entries_.begin(), entries_.end(), [&](const auto& e) { return e->is_for(access_key_id, secret); });
    if (found != entries_.end()) {
        std::rotate(entries_.begin(), found, found + 1);
        return entries_.front()->key;
    }
    if (entries_.size() >= capacity_) {
        entries_.pop_back();
    }
    entries_.insert(
        entries_.begin(),
        std::unique_ptr<entry>(new entry{
            {}, std::string(access_key_id), to_key_text(secret), ecdsa_key::derive(access_key_id, secret)})
    );
    return entries_.front()->key;
}

void ecdsa_key_cache::clear() noexcept {
    entries_.clear();
}

} // namespace countersign::signer
