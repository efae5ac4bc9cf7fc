#include "tests/support/proof.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <memory>
#include <optional>
#include <vector>

namespace countersign::tests {

namespace json = boost::json;

namespace {

// RFC 4648 section 5 without padding, by OpenSSL's decoder for the ordinary alphabet. None: not that.
std::optional<std::string> decoded(std::string_view text) {
    std::string ordinary(text);
    if (ordinary.find_first_of("+/=") != std::string::npos)
        return std::nullopt;
    for (char& c : ordinary)
        c = c == '-' ? '+' : c == '_' ? '/' : c;
    const std::size_t padding = (4 - ordinary.size() % 4) % 4;
    ordinary.append(padding, '=');
    std::string out(ordinary.size() / 4 * 3, '\0');
    const int size = EVP_DecodeBlock(
        reinterpret_cast<unsigned char*>(out.data()),
        reinterpret_cast<const unsigned char*>(ordinary.data()),
        static_cast<int>(ordinary.size())
    );
    if (size < 0)
        return std::nullopt;
    out.resize(static_cast<std::size_t>(size) - padding);
    return out;
}

const unsigned char* bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

using key_pointer = std::shared_ptr<EVP_PKEY>;

key_pointer public_key(const std::string& x, const std::string& y) {
    const std::string point = "\x04" + x + y;
    OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
    OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr);
    EVP_PKEY* key = nullptr;
    EVP_PKEY_fromdata_init(context);
    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    return {key, EVP_PKEY_free};
}

key_pointer private_key(const std::string& pem) {
    BIO* text = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    EVP_PKEY* key = PEM_read_bio_PrivateKey(text, nullptr, nullptr, nullptr);
    BIO_free(text);
    return {key, EVP_PKEY_free};
}

// r‖s → ASN.1, which OpenSSL verifies.
bool is_signed(EVP_PKEY* key, std::string_view text, const std::string& raw) {
    ECDSA_SIG* pair = ECDSA_SIG_new();
    ECDSA_SIG_set0(pair, BN_bin2bn(bytes(raw), 32, nullptr), BN_bin2bn(bytes(raw) + 32, 32, nullptr));
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(pair, &der);
    ECDSA_SIG_free(pair);
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    const bool good = EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key) == 1 &&
                      EVP_DigestVerify(context, der, static_cast<std::size_t>(size), bytes(text), text.size()) == 1;
    EVP_MD_CTX_free(context);
    OPENSSL_free(der);
    return good;
}

std::optional<std::string> coordinate(const json::object& header, const char* name) {
    auto value = decoded(json::value_to<std::string>(header.at("jwk").at(name)));
    return value && value->size() == 32 ? value : std::nullopt;
}

} // namespace

read_proof verify_proof(std::string_view token, const std::string& pem) {
    read_proof proof;
    const auto first = token.find('.');
    const auto last = token.rfind('.');
    if (first == last)
        return proof;
    const auto header = decoded(token.substr(0, first));
    const auto payload = decoded(token.substr(first + 1, last - first - 1));
    const auto signature = decoded(token.substr(last + 1));
    if (!header || !payload || !signature || signature->size() != 64) {
        proof.wrong = "not base64url, or no raw signature";
        return proof;
    }
    proof.header = json::parse(*header).as_object();
    proof.payload = json::parse(*payload).as_object();
    const auto x = coordinate(proof.header, "x");
    const auto y = coordinate(proof.header, "y");
    const auto key = x && y ? public_key(*x, *y) : nullptr;
    if (!key)
        proof.wrong = "no point of the curve";
    else if (!is_signed(key.get(), token.substr(0, last), *signature))
        proof.wrong = "another signature";
    else if (EVP_PKEY_eq(key.get(), private_key(pem).get()) != 1)
        proof.wrong = "another key";
    else
        proof.wrong = "";
    return proof;
}

} // namespace countersign::tests
