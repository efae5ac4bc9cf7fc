#include "proxy/net/tls.hpp"
#include "tests/proxy/support/still_worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include <future>
#include <stdexcept>

namespace countersign::proxy {
namespace tls_test {

using namespace countersign::tests;
using testing::HasSubstr;

constexpr const char* aws_name = "s3.us-east-1.amazonaws.com";

struct made {
    session_ticket ticket;
    std::string failure;
    tls_session connection; // goes before the ticket that it points to
    made(SSL_CTX* context, const std::string& name)
        : connection(make_client_session(context, name, &ticket, failure)) {}
};

detached shake_hands(line& l, tls_session c, outcome_of_io& out) {
    const io_error e = co_await l->start_tls(std::move(c), tls_layer::role::client);
    out.error = e;
}

// Both ends of a handshake; the service's has a thread of its own.
struct handshake {
    still_worker w;
    service s;
    line near{w, s};
    peer far = s.accept();
    outcome_of_io out;

    void run(tls_session c, int version) {
        const auto service_end = std::async(std::launch::async, [this, version] {
            try {
                far.shake_hands(version);
            } catch (const std::runtime_error&) { // the proxy's end refuses
            }
        });
        shake_hands(near, std::move(c), out);
        EXPECT_TRUE(w.until([this] { return out.is_done(); }));
        if (out.error != io_error::none) {
            why = near->tls()->describe_failure();
            near->close();
        }
    }
    std::string why;
};

TEST(Tls, RefusesNamesThatNoCertificateCanBeCheckedFor) {
    still_worker w;
    using namespace std::string_literals;
    for (const std::string& name :
         {""s, "\0"s, "s3.us-east-1.amazonaws.com\0.example.com"s, "s3\0"s, std::string(300, 'a')}) {
        const made m(w->tls.native_handle(), name);
        EXPECT_FALSE(m.connection) << name.size();
        EXPECT_THAT(m.failure, HasSubstr("no name"));
    }
}

TEST(Tls, ChecksTheNameThatItAsksFor) {
    still_worker w;
    const made m(w->tls.native_handle(), aws_name);
    ASSERT_TRUE(m.connection);
    SSL* const c = m.connection.get();
    EXPECT_STREQ(X509_VERIFY_PARAM_get0_host(SSL_get0_param(c), 0), aws_name);
    EXPECT_STREQ(SSL_get_servername(c, TLSEXT_NAMETYPE_host_name), aws_name);
    EXPECT_EQ(SSL_get_verify_mode(c), SSL_VERIFY_PEER);
    EXPECT_EQ(SSL_get_min_proto_version(c), TLS1_2_VERSION);
}

TEST(Tls, ChecksAnAddressAndAsksForNoNameThen) {
    still_worker w;
    for (const char* address : {"127.0.0.1", "::1"}) {
        const made m(w->tls.native_handle(), address);
        ASSERT_TRUE(m.connection);
        SSL* const c = m.connection.get();
        EXPECT_EQ(SSL_get_servername(c, TLSEXT_NAMETYPE_host_name), nullptr);
        EXPECT_EQ(X509_VERIFY_PARAM_get0_host(SSL_get0_param(c), 0), nullptr);
        char* const checked = X509_VERIFY_PARAM_get1_ip_asc(SSL_get0_param(c));
        EXPECT_NE(checked, nullptr);
        OPENSSL_free(checked);
    }
}

TEST(Tls, ShakesHandsWithWhomTheCertificateNames) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        handshake h;
        made m(h.w->tls.native_handle(), aws_name);
        h.run(std::move(m.connection), version);
        EXPECT_EQ(h.out.error, io_error::none) << h.why;
        h.near->close(); // before the ticket
    }
}

TEST(Tls, ShakesHandsWithNobodyElse) {
    for (const char* name : {"example.com", "amazonaws.com", "127.0.0.2"}) {
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            handshake h;
            made m(h.w->tls.native_handle(), name);
            h.run(std::move(m.connection), version);
            EXPECT_EQ(h.out.error, io_error::tls_failed) << name;
            EXPECT_THAT(h.why, HasSubstr("mismatch")) << name;
        }
    }
}

TEST(Tls, ShakesHandsWithNobodyWhoseAuthorityIsUnknown) {
    handshake h;
    const trust_store others = make_trust_store("");
    auto context = make_tls_context(*others);
    made m(context.native_handle(), aws_name);
    h.run(std::move(m.connection), TLS1_3_VERSION);
    EXPECT_EQ(h.out.error, io_error::tls_failed);
    EXPECT_THAT(h.why, HasSubstr("certificate"));
}

TEST(Tls, KeepsATicketForTheNextConnection) {
    handshake h;
    made m(h.w->tls.native_handle(), aws_name);
    h.run(std::move(m.connection), TLS1_3_VERSION);
    h.far.send_raw(h.far.tls().ticket().append(h.far.tls().seal("x")));
    outcome_of_io out;
    read(h.near, out);
    EXPECT_TRUE(h.w.until([&] { return out.is_done(); }));
    EXPECT_EQ(out.bytes, "x");
    h.near->close();
    ASSERT_TRUE(m.ticket);
    EXPECT_EQ(SSL_SESSION_is_resumable(m.ticket.get()), 1);
}

TEST(Tls, RefusesAFileWithoutCertificates) {
    for (const char* file : {"/nowhere/ca.pem", "/dev/null", "/"})
        EXPECT_THROW(make_trust_store(file), std::runtime_error) << file;
}

} // namespace tls_test
} // namespace countersign::proxy
