// What OpenSSL makes for us while one of its allocations fails, each in turn: the right thing or an error, never half
// of it (a connection that checks no name, a proof or signature that is none). A program of its own: OpenSSL takes
// another allocator only before it has allocated anything. Prints a line for each thing, or what is wrong, and ends 1.
#include "chain/dpop.hpp"
#include "proxy/net/tls.hpp"
#include "proxy/sandbox/certificate.hpp"
#include "signer/sigv4a.hpp"
#include "tests/support/proof.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>

namespace countersign::proxy {
namespace {

// Of OpenSSL alone. -1: all go well.
long until_failure = -1;
bool has_failed = false;

bool fails_now() noexcept {
    if (until_failure < 0) {
        return false;
    }
    const bool now = until_failure == 0;
    has_failed = has_failed || now;
    --until_failure;
    return now;
}

void* allocate(std::size_t size, const char*, int) {
    return fails_now() ? nullptr : std::malloc(size);
}

void* allocate_anew(void* old, std::size_t size, const char*, int) {
    return size > 0 && fails_now() ? nullptr : std::realloc(old, size);
}

void give_back(void* memory, const char*, int) {
    std::free(memory);
}

// One that fails at most `n` allocations away.
class scarcity {
public:
    explicit scarcity(long n) { until_failure = n; }
    ~scarcity() { until_failure = -1; }
    scarcity(const scarcity&) = delete;
    scarcity& operator=(const scarcity&) = delete;
};

void expect(bool holds, const char* what) {
    if (!holds) {
        throw std::logic_error(what);
    }
}

// True: it was made, and is right. False: an error said that it was not.
using trial = std::function<bool(long n)>;

void try_all(const char* what, const trial& attempt) {
    expect(attempt(-1), what); // OpenSSL has now what it keeps
    constexpr long most = 20'000;
    long failures = 0;
    for (long n = 0; n < most; ++n) {
        has_failed = false;
        const bool is_made = attempt(n);
        failures += is_made ? 0 : 1;
        if (!has_failed) {
            expect(is_made && n > 0, "it fails although all is well");
            fmt::print("{}: {} allocations, {} errors\n", what, n, failures);
            return;
        }
    }
    throw std::logic_error("there is no end of allocations");
}

trial connection_to(SSL_CTX* context, const std::string& name, bool is_address) {
    return [=](long n) {
        session_ticket ticket;
        std::string failure;
        tls_session c;
        {
            const scarcity s(n);
            c = make_client_session(context, name, &ticket, failure);
        }
        if (!c) {
            expect(!failure.empty(), "no connection, and no reason");
            return false;
        }
        X509_VERIFY_PARAM* const checks = SSL_get0_param(c.get());
        char* const address = X509_VERIFY_PARAM_get1_ip_asc(checks);
        const char* const host = X509_VERIFY_PARAM_get0_host(checks, 0);
        const bool is_checked = is_address ? address != nullptr && address == name : host != nullptr && host == name;
        OPENSSL_free(address);
        expect(is_checked, "a connection that does not check its name");
        const char* const told = SSL_get_servername(c.get(), TLSEXT_NAMETYPE_host_name);
        expect(is_address || (told != nullptr && told == name), "a connection that does not tell its name");
        expect(SSL_get_verify_mode(c.get()) == SSL_VERIFY_PEER, "a connection that verifies nobody");
        return true;
    };
}

std::string new_key() {
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    BIO* const out = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey_traditional(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    char* text = nullptr;
    const long size = BIO_get_mem_data(out, &text);
    std::string pem(text, static_cast<std::size_t>(size));
    BIO_free(out);
    EVP_PKEY_free(key);
    return pem;
}

bool make_proof(long n, const std::string& pem) {
    chain::result<chain::secret> proof = chain::failure{"not tried"};
    {
        const scarcity s(n);
        proof = chain::dpop_proof(pem, "https://signin.example/v1/token", "an-id", std::chrono::system_clock::now());
    }
    expect(!proof || tests::verify_proof(proof->reveal(), pem).wrong.empty(), "a proof that proves nothing");
    return proof.has_value();
}

bool make_signature(long n, const signer::ecdsa_public_key& verifier) {
    try {
        std::string made;
        {
            const scarcity s(n);
            made = signer::ecdsa_key::derive("AKIDEXAMPLE", "secret").sign("text").hex();
        }
        expect(verifier.verify("text", made), "a signature that is none");
        return true;
    } catch (const signer::ecdsa_failure&) {
        return false;
    }
}

// An error may make a right signature look wrong, never a wrong one right.
bool verify_signatures(long n, const signer::ecdsa_public_key& verifier, const std::string& right) {
    const scarcity s(n);
    expect(!verifier.verify("another text", right), "a wrong signature that counts");
    return verifier.verify("text", right);
}

bool make_certificates(long n) {
    try {
        const scarcity s(n);
        sandbox::certificate_authority made(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
        return !made.pem().empty();
    } catch (const std::runtime_error&) {
        return false;
    }
}

void try_everything() {
    const trust_store trusted = make_trust_store("");
    auto context = make_tls_context(*trusted);
    const std::string name = "s3.us-east-1.amazonaws.com";
    try_all("a connection to a name", connection_to(context.native_handle(), name, false));
    try_all("a connection to an address", connection_to(context.native_handle(), "127.0.0.1", true));
    const std::string pem = new_key();
    try_all("a proof of possession", [&](long n) { return make_proof(n, pem); });
    const auto key = signer::ecdsa_key::derive("AKIDEXAMPLE", "secret");
    const auto verifier = key.public_key();
    const std::string right{key.sign("text").hex()};
    try_all("a signature of Version 4A", [&](long n) { return make_signature(n, verifier); });
    try_all("its verification", [&](long n) { return verify_signatures(n, verifier, right); });
    try_all("the sandbox's certificates", make_certificates);
}

} // namespace
} // namespace countersign::proxy

int main() {
    using namespace countersign::proxy;
    if (CRYPTO_set_mem_functions(allocate, allocate_anew, give_back) != 1) {
        fmt::print("OpenSSL has allocated already\n");
        return 1;
    }
    try {
        try_everything();
    } catch (const std::exception& e) {
        fmt::print("wrong: {}\n", e.what());
        return 1;
    }
    return 0;
}
