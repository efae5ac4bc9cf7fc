#include "proxy/sandbox/certificate.hpp"

#include "signer/scope.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <stdexcept>
#include <variant>

namespace countersign::proxy::sandbox {

namespace {

constexpr std::size_t most_leaves = 1000;
constexpr const char* local_names = "DNS:localhost,IP:127.0.0.1,IP:::1";

void check(bool worked, const char* what) {
    if (!worked) {
        throw std::runtime_error(std::string("cannot make a certificate: ") + what);
    }
}

key_pointer make_key() {
    key_pointer key(EVP_EC_gen("P-256"));
    check(key != nullptr, "no P-256 key");
    return key;
}

void add_extension(X509* certificate, X509* issuer, int what, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value);
    const bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    check(added, value);
}

// Version, serial number, dates, names and public key: what every certificate here has.
certificate_pointer
begin(std::chrono::sys_seconds now, long serial, const char* common_name, X509_NAME* issuer, EVP_PKEY* key) {
    certificate_pointer made(X509_new());
    check(made != nullptr, "out of memory");
    X509* c = made.get();
    const std::time_t from = (now - std::chrono::days(1)).time_since_epoch().count();
    const std::time_t to = (now + std::chrono::days(30)).time_since_epoch().count();
    check(X509_set_version(c, X509_VERSION_3) == 1, "version");
    check(ASN1_INTEGER_set(X509_get_serialNumber(c), serial) == 1, "serial number");
    check(ASN1_TIME_set(X509_getm_notBefore(c), from) != nullptr, "first day");
    check(ASN1_TIME_set(X509_getm_notAfter(c), to) != nullptr, "last day");
    X509_NAME* subject = X509_get_subject_name(c);
    const auto* name = reinterpret_cast<const unsigned char*>(common_name);
    check(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0) == 1, "name");
    check(X509_set_issuer_name(c, issuer ? issuer : subject) == 1, "issuer");
    check(X509_set_pubkey(c, key) == 1, "public key");
    return made;
}

// What may stand in a subject alternative name; a ',' would start another one.
bool is_host_name(std::string_view host) noexcept {
    return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    });
}

bool is_aws_host(std::string_view host) noexcept {
    const auto found = signer::scope_of(host);
    const auto* refused = std::get_if<signer::scope_refusal>(&found);
    return !refused || *refused != signer::scope_refusal::not_aws;
}

} // namespace

certificate_authority::certificate_authority(std::chrono::sys_seconds now)
    : now_(now), authority_key_(make_key()), leaf_key_(make_key()) {
    authority_ = begin(now_, serial_++, "countersign sandbox CA", nullptr, authority_key_.get());
    X509* c = authority_.get();
    add_extension(c, c, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add_extension(c, c, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(c, c, NID_subject_key_identifier, "hash");
    check(X509_sign(c, authority_key_.get(), EVP_sha256()) != 0, "signature");
    local_leaf_ = issue(local_names);
}

std::string certificate_authority::pem() const {
    BIO* out = BIO_new(BIO_s_mem());
    char* text = nullptr;
    const bool written = out && PEM_write_bio_X509(out, authority_.get()) == 1;
    const long size = written ? BIO_get_mem_data(out, &text) : 0;
    const std::string pem = size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
    BIO_free(out);
    check(!pem.empty(), "PEM");
    return pem;
}

void certificate_authority::certify(boost::asio::ssl::context& context) {
    SSL_CTX* c = context.native_handle();
    check(SSL_CTX_use_certificate(c, local_leaf_.get()) == 1, "leaf");
    check(SSL_CTX_use_PrivateKey(c, leaf_key_.get()) == 1, "leaf key");
    check(SSL_CTX_set_tlsext_servername_callback(c, &certificate_authority::choose) == 1, "choice by name");
    check(SSL_CTX_set_tlsext_servername_arg(c, this) == 1, "choice by name");
}

int certificate_authority::choose(SSL* connection, int*, void* self) {
    const char* name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
    if (!name) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    try {
        X509* leaf = static_cast<certificate_authority*>(self)->leaf_for(name);
        return SSL_use_certificate(connection, leaf) == 1 ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
    } catch (const std::exception&) {
        return SSL_TLSEXT_ERR_ALERT_FATAL; // OpenSSL is C: nothing may be thrown through it
    }
}

X509* certificate_authority::leaf_for(std::string_view host) {
    if (!is_host_name(host) || !is_aws_host(host)) {
        return local_leaf_.get();
    }
    if (const auto known = leaves_.find(host); known != leaves_.end()) {
        return known->second.get();
    }
    if (leaves_.size() == most_leaves) {
        leaves_.clear();
    }
    const std::string name(host);
    return leaves_.emplace(name, issue("DNS:" + name)).first->second.get();
}

certificate_pointer certificate_authority::issue(const std::string& subject_alternative_names) {
    X509_NAME* issuer = X509_get_subject_name(authority_.get());
    certificate_pointer leaf = begin(now_, serial_++, "countersign sandbox", issuer, leaf_key_.get());
    X509* c = leaf.get();
    add_extension(c, authority_.get(), NID_basic_constraints, "critical,CA:FALSE");
    add_extension(c, authority_.get(), NID_key_usage, "critical,digitalSignature");
    add_extension(c, authority_.get(), NID_ext_key_usage, "serverAuth");
    add_extension(c, authority_.get(), NID_authority_key_identifier, "keyid");
    add_extension(c, authority_.get(), NID_subject_alt_name, subject_alternative_names.c_str());
    check(X509_sign(c, authority_key_.get(), EVP_sha256()) != 0, "signature");
    return leaf;
}

} // namespace countersign::proxy::sandbox
