// A server as a program has it: started, reloaded, drained and stopped on one control thread, and asked over sockets.
#include "conf/load.hpp"
#include "proxy/server.hpp"
#include "tests/proxy/support/live_proxy.hpp"
#include "tests/support/temporary_folder.hpp"

#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <future>

namespace countersign::proxy {
namespace server_test {

using namespace countersign::tests;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

// What several servers may have in common: an io_context, and the thread that runs it while there is something to do.
class control_thread {
public:
    ~control_thread() { await_end(); }
    void run() {
        thread_ = std::thread([this] {
            context.run();
            ended_.set_value();
        });
    }
    // Does `work` there, and waits for it.
    void call(const std::function<void()>& work) {
        std::promise<void> done;
        asio::post(context, [&] {
            work();
            done.set_value();
        });
        ASSERT_EQ(done.get_future().wait_for(patience), std::future_status::ready);
    }
    // The same as the last thing that keeps the thread busy.
    void finish(const std::function<void()>& work) {
        call(work);
        await_end();
    }
    void await_end() {
        if (!thread_.joinable()) {
            return;
        }
        if (ended_.get_future().wait_for(patience) != std::future_status::ready) {
            std::abort(); // something keeps the context running: there is nothing to go on with
        }
        thread_.join();
    }

    asio::io_context context{1};

private:
    std::promise<void> ended_;
    std::thread thread_;
};

// Keys from a file, and every AWS host at a service of the test's.
class ServerTest : public testing::Test {
protected:
    ServerTest() { spdlog::set_level(spdlog::level::off); }

    conf::config settings(std::uint16_t upstream_port) const {
        conf::config c;
        c.listen.address = {{"127.0.0.1", 0}};
        c.listen.workers = 2;
        c.admin.address = conf::endpoint{"127.0.0.1", 0};
        c.credentials.access_key_id = "AKIDEXAMPLE";
        c.credentials.secret_access_key_file = secret_;
        c.log.access = false;
        conf::route all;
        all.host = "*.amazonaws.com";
        all.connect = conf::endpoint{"127.0.0.1", upstream_port};
        all.scheme = conf::scheme::http;
        c.routes.push_back(all);
        return c;
    }

    peer connect(const tcp::endpoint& to) {
        tcp::socket socket(clients_);
        socket.connect(to);
        return peer(std::move(socket));
    }
    std::string admin_page(const server_addresses& of, const std::string& path) {
        peer client = connect(of.admin.value());
        client.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
        return client.receive_to_end();
    }
    // One request through the proxy; what the service received of it.
    message ask(const server_addresses& proxy, service& to, std::string_view text = request_text("GET /k")) {
        peer client = connect(proxy.proxy.front());
        client.send(text);
        peer up = to.accept();
        message received = up.receive();
        up.send(answer_text("200 OK", "hello"));
        EXPECT_EQ(client.receive().body, "hello");
        return received;
    }

    service upstream;

private:
    temporary_folder folder_;
    std::filesystem::path secret_ = folder_.write("secret", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n");
    asio::io_context clients_;
};

TEST_F(ServerTest, SignsAndTellsWhereItListens) {
    control_thread control;
    server s(control.context, settings(upstream.port()));
    const server_addresses at = s.start();
    ASSERT_EQ(at.proxy.size(), 1u);
    EXPECT_NE(at.proxy.front().port(), 0);
    EXPECT_NE(at.admin.value().port(), 0);
    control.run();
    EXPECT_THAT(ask(at, upstream).value("Authorization"), HasSubstr("Credential=AKIDEXAMPLE/"));
    EXPECT_THAT(admin_page(at, "/readyz"), StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(
        admin_page(at, "/metrics"), HasSubstr("countersign_attempts_total{service=\"s3\",reason=\"first\"} 1\n")
    );
    control.finish([&] { s.stop(); });
}

TEST_F(ServerTest, HasNoAdminListenerWhereNoneIsAskedFor) {
    control_thread control;
    conf::config c = settings(upstream.port());
    c.admin.address.reset();
    server s(control.context, c);
    EXPECT_FALSE(s.start().admin);
}

TEST_F(ServerTest, ReloadChangesARoute) {
    service other;
    control_thread control;
    server s(control.context, settings(upstream.port()));
    const server_addresses at = s.start();
    control.run();
    ask(at, upstream);
    control.call([&] { s.reload([&] { return settings(other.port()); }); });
    ask(at, other);
    EXPECT_FALSE(upstream.was_called());
    control.finish([&] { s.stop(); });
}

TEST_F(ServerTest, ReloadFindsTheRegionThatANewRouteNeeds) {
    control_thread control;
    conf::config c = settings(upstream.port());
    c.credentials.region = "eu-north-1";
    server s(control.context, c);
    const server_addresses at = s.start();
    control.run();
    conf::route open = c.routes.front();
    open.host = "api.corp.example";
    open.service = "execute-api";
    c.routes.push_back(open);
    control.call([&] { s.reload([&] { return c; }); });
    for (std::size_t known = 0; known != 2;) { // the region is looked for meanwhile
        control.call([&] { known = s.config().routes.size(); });
    }
    const message received = ask(at, upstream, "GET / HTTP/1.1\r\nHost: api.corp.example\r\n\r\n");
    EXPECT_THAT(received.value("Authorization"), HasSubstr("/eu-north-1/execute-api/"));
    control.finish([&] { s.stop(); });
}

TEST_F(ServerTest, KeepsItsConfigurationWhereTheNewOneCannotBeRead) {
    control_thread control;
    server s(control.context, settings(upstream.port()));
    const server_addresses at = s.start();
    control.run();
    control.call([&] { s.reload([]() -> conf::config { throw conf::error("line 1: nonsense"); }); });
    ask(at, upstream);
    control.finish([&] { s.stop(); });
}

TEST_F(ServerTest, DrainAnswersTheRequestUnderWayAndCallsBack) {
    control_thread control;
    server s(control.context, settings(upstream.port()));
    const server_addresses at = s.start();
    control.run();
    peer client = connect(at.proxy.front());
    client.send(request_text("GET /k"));
    peer up = upstream.accept();
    up.receive();
    std::promise<void> stopped;
    control.call([&] { s.drain([&] { stopped.set_value(); }); });
    EXPECT_THAT(admin_page(at, "/readyz"), HasSubstr("draining"));
    up.send(answer_text("200 OK", "hello"));
    EXPECT_EQ(client.receive().value("Connection"), "close");
    EXPECT_EQ(stopped.get_future().wait_for(patience), std::future_status::ready);
    control.await_end();
    s.join();
    EXPECT_THROW(connect(at.proxy.front()), boost::system::system_error);
}

TEST_F(ServerTest, DrainCutsOffWhatTakesTooLong) {
    control_thread control;
    conf::config c = settings(upstream.port());
    c.listen.drain_timeout = 1ms;
    server s(control.context, c);
    const server_addresses at = s.start();
    control.run();
    peer client = connect(at.proxy.front());
    client.send(request_text("GET /k"));
    peer up = upstream.accept();
    up.receive();
    std::promise<void> stopped;
    control.call([&] { s.drain([&] { stopped.set_value(); }); });
    EXPECT_EQ(stopped.get_future().wait_for(patience), std::future_status::ready);
    EXPECT_EQ(client.receive_to_end(), "");
    control.await_end();
}

TEST_F(ServerTest, StopEndsADrainAndIsToldOfOnce) {
    control_thread control;
    server s(control.context, settings(upstream.port()));
    const server_addresses at = s.start();
    control.run();
    peer client = connect(at.proxy.front());
    client.send(request_text("GET /k"));
    peer up = upstream.accept();
    up.receive();
    int told = 0;
    control.call([&] {
        s.drain([&] { ++told; });
        s.stop();
        s.stop();
    });
    EXPECT_EQ(client.receive_to_end(), "");
    control.await_end();
    s.join();
    EXPECT_EQ(told, 1);
}

TEST_F(ServerTest, SeveralShareAControlThread) {
    control_thread control;
    service other;
    server one(control.context, settings(upstream.port()));
    server two(control.context, settings(other.port()));
    const server_addresses at_one = one.start();
    const server_addresses at_two = two.start();
    control.run();
    ask(at_one, upstream);
    ask(at_two, other);
    control.call([&] { one.stop(); });
    ask(at_two, other);
    control.finish([&] { two.stop(); });
}

TEST_F(ServerTest, DoesNotStartOnAPortThatIsTaken) {
    control_thread control;
    conf::config c = settings(upstream.port());
    c.listen.address = {{"127.0.0.1", upstream.port()}};
    server s(control.context, c);
    EXPECT_THROW(s.start(), conf::error);
}

TEST_F(ServerTest, DoesNotStartWhereTheAdminPortIsTaken) {
    control_thread control;
    conf::config c = settings(upstream.port());
    c.admin.address = conf::endpoint{"127.0.0.1", upstream.port()};
    server s(control.context, c);
    EXPECT_THROW(s.start(), std::exception);
}

} // namespace server_test
} // namespace countersign::proxy
