// A throwaway certificate authority for demos and tests: lets a client check name and chain as it would with
// AWS, without any file but the authority's certificate. Private keys exist in memory only and end with the
// process, so a ca.pem left behind somewhere in a trust store is worth nothing to anybody. One thread.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace countersign::proxy::sandbox {

struct openssl_free {
    void operator()(EVP_PKEY* p) const noexcept { EVP_PKEY_free(p); }
    void operator()(X509* p) const noexcept { X509_free(p); }
};
using key_pointer = std::unique_ptr<EVP_PKEY, openssl_free>;
using certificate_pointer = std::unique_ptr<X509, openssl_free>;

class certificate_authority {
public:
    // Certificates are good from a day before `now` to 30 days after it. Throws std::runtime_error.
    explicit certificate_authority(std::chrono::sys_seconds now);

    std::string pem() const;

    // Makes `context` show a certificate of this authority for the name that the client asks for (SNI): any
    // AWS host; for every other name, or none, one for localhost, 127.0.0.1 and ::1. REQUIRES: *this stays
    // where it is and outlives the context.
    void certify(boost::asio::ssl::context& context);

private:
    static int choose(SSL* connection, int* alert, void* self);

    // The leaf for a host name; the one for this machine when the name is not one of AWS's. Bounded: 1000
    // leaves.
    X509* leaf_for(std::string_view host);
    certificate_pointer issue(const std::string& subject_alternative_names);

    std::chrono::sys_seconds now_;
    long serial_ = 1;
    key_pointer authority_key_, leaf_key_;
    certificate_pointer authority_, local_leaf_;
    std::map<std::string, certificate_pointer, std::less<>> leaves_;
};

} // namespace countersign::proxy::sandbox
