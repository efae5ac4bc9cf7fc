// The service's end of TLS, without a socket: a test says itself which records share a segment, and where one is cut.
// What a call returns is to be sent to the other side. Throws std::runtime_error when OpenSSL refuses.
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

namespace countersign::tests {

// Of the authority whose certificates a tls_end shows. Its owner takes a reference of its own.
X509* test_authority();

SSL_CTX* server_context(); // shows them, for any AWS host

class tls_end {
public:
    // For any AWS host, up to `version` (TLS1_2_VERSION …; 0: the newest).
    explicit tls_end(int version = 0);

    std::string feed(std::string_view bytes);       // what has come from the other side; goes on with the handshake
    bool is_open() const noexcept { return open_; } // the handshake is done
    std::string read();                             // the text that has come

    std::string seal(std::string_view text); // one record for each 16 KiB
    std::string ticket();                    // TLS 1.3
    std::string key_update(bool of_both);    // TLS 1.3; `of_both`: the other side has to answer with one
    std::string close_notify();
    std::string alert(); // a fatal one

private:
    struct free_connection {
        void operator()(SSL* s) const noexcept { SSL_free(s); }
    };
    std::string take(); // from the outgoing side

    std::unique_ptr<SSL, free_connection> connection_;
    BIO* in_ = nullptr; // of the connection
    BIO* out_ = nullptr;
    bool open_ = false;
};

} // namespace countersign::tests
