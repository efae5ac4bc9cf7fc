// TLS over a connection in either role: both ends are the proxy's own, over a socket pair.
#include "proxy/net/tls_layer.hpp"
#include "tests/proxy/support/still_worker.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>

namespace countersign::proxy {
namespace tls_layer_test {

using namespace countersign::tests;

struct silent : connection::observer {};

detached shake_hands(connection& c, tls_session session, tls_layer::role as, outcome_of_io& out) {
    const io_error e = co_await c.start_tls(std::move(session), as);
    out.error = e;
}

struct both_ends {
    still_worker w;
    silent nobody;
    session_ticket ticket;
    std::string failure;
    connection client{w->sockets, nobody};
    connection server{w->sockets, nobody};

    both_ends() {
        int ends[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
        EXPECT_EQ(client.adopt_connected(ends[0]), io_error::none);
        EXPECT_EQ(server.adopt_connected(ends[1]), io_error::none);
    }
    void shake_hands_as(const char* name) {
        outcome_of_io of_client, of_server;
        tls_session asking = make_client_session(w->tls.native_handle(), name, &ticket, failure);
        ASSERT_TRUE(asking) << failure;
        shake_hands(server, tls_session{SSL_new(server_context())}, tls_layer::role::server, of_server);
        shake_hands(client, std::move(asking), tls_layer::role::client, of_client);
        EXPECT_TRUE(w.until([&] { return of_client.is_done(); }));
        client_error = *of_client.error;
        if (client_error != io_error::none) {
            client.close();
        }
        EXPECT_TRUE(w.until([&] { return of_server.is_done(); }));
        server_error = *of_server.error;
    }
    std::string pass(connection& from, connection& to, std::string_view text) {
        outcome_of_io written, got;
        read(to, got);
        write(from, text, written);
        EXPECT_TRUE(w.until([&] { return got.is_done() && written.is_done(); }));
        return got.bytes;
    }
    io_error client_error = io_error::none;
    io_error server_error = io_error::none;
};

TEST(TlsLayer, SpeaksWithItselfInBothRoles) {
    both_ends b;
    b.shake_hands_as("s3.us-east-1.amazonaws.com");
    ASSERT_EQ(b.client_error, io_error::none);
    ASSERT_EQ(b.server_error, io_error::none);
    EXPECT_EQ(b.pass(b.client, b.server, "asked"), "asked");
    EXPECT_EQ(b.pass(b.server, b.client, "answered"), "answered");
    b.client.close();
}

TEST(TlsLayer, TellsTheServerThatItsCertificateIsNotAccepted) {
    both_ends b;
    b.shake_hands_as("example.com");
    EXPECT_EQ(b.client_error, io_error::tls_failed);
    EXPECT_NE(b.server_error, io_error::none);
    b.client.close();
}

} // namespace tls_layer_test
} // namespace countersign::proxy
