// How a worker finds and reaches the places that requests go to: names from a DNS server, addresses of loopback.
#include "chain/connection_race.hpp"
#include "tests/proxy/support/live_proxy.hpp"
#include "tests/support/black_hole.hpp"
#include "tests/support/name_server.hpp"

#include <gtest/gtest.h>

namespace countersign::proxy {
namespace dialling_test {

using namespace countersign::tests;
using tests::message;
using namespace std::chrono_literals;

constexpr std::string_view sqs_host = "sqs.us-east-1.amazonaws.com";

std::string request_to(std::string_view host) {
    return "GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n";
}

struct Dialling : testing::Test {
    // S3 goes to the name s3.test, SQS to sqs.test, at the port of the proxy's service; one attempt each.
    void start(std::chrono::milliseconds connect_timeout = 5s) {
        proxy.emplace(
            [&](conf::config& c) {
                c.upstream.connect_timeout = connect_timeout;
                c.retry.max_attempts = 1;
                c.routes.front().connect->host = "s3.test";
                conf::route sqs = c.routes.front();
                sqs.host = sqs_host;
                sqs.connect->host = "sqs.test";
                c.routes.insert(c.routes.begin(), sqs);
            },
            some_credentials(),
            dns.service()
        );
    }
    message ask(std::string_view host) {
        peer client = proxy->connect();
        client.send(request_to(host));
        answer_one();
        return client.receive();
    }
    void answer_one() {
        peer up = proxy->upstream.accept();
        up.receive();
        up.send(answer_text("200 OK", "", "Connection: close\r\n"));
    }

    name_server dns;
    std::optional<live_proxy> proxy;
};

TEST_F(Dialling, GoesWhereTheNameLeads) {
    dns.script("s3.test", {{"127.0.0.1"}, 60, {"alias.test"}});
    start();
    EXPECT_EQ(ask(s3_host).status(), 200u);
    EXPECT_EQ(ask(s3_host).status(), 200u);
    EXPECT_EQ(dns.asked("s3.test"), 2u); // once, for each family
}

TEST_F(Dialling, IsNotHeldUpByASilentZone) {
    dns.script("s3.test", {{"127.0.0.1"}});
    dns.script("sqs.test", {{}, 60, {}, 60, 0, true});
    start();
    peer waiting = proxy->connect();
    waiting.send(request_to(sqs_host));
    dns.await_question("sqs.test");
    EXPECT_EQ(ask(s3_host).status(), 200u);
} // ends with the look-up under way

TEST_F(Dialling, SaysThatThereIsNoSuchName) {
    start();
    peer client = proxy->connect();
    client.send(request_to(s3_host));
    const message m = client.receive();
    EXPECT_EQ(m.status(), 502u);
    EXPECT_NE(m.body.find("s3.test"), std::string::npos) << m.body;
}

TEST_F(Dialling, SharesALookUpBetweenThoseWhoWait) {
    dns.script("s3.test", {{}, 60, {}, 60, 0, true});
    start();
    peer one = proxy->connect(), two = proxy->connect();
    one.send(request_to(s3_host));
    dns.await_question("s3.test", 2); // of both families
    two.send(request_to(s3_host));
    proxy->counters();
    EXPECT_EQ(dns.asked("s3.test"), 2u);
}

TEST_F(Dialling, GoesOnWhereAnAddressRefuses) {
    dns.script("s3.test", {{"127.0.0.2", "127.0.0.3", "127.0.0.1"}});
    start();
    EXPECT_EQ(ask(s3_host).status(), 200u);
}

TEST_F(Dialling, ReachesHostsOfEitherFamily) {
    dns.script("s3.test", {{"::1", "127.0.0.1"}}); // nobody listens on ::1
    start();
    EXPECT_EQ(ask(s3_host).status(), 200u);
}

TEST_F(Dialling, PassesABlackHoleAndRemembersWhoAnswered) {
    dns.script("s3.test", {{"127.0.0.2", "127.0.0.1"}});
    start();
    const black_hole hole("127.0.0.2", proxy->upstream.port());
    EXPECT_EQ(ask(s3_host).status(), 200u);
    const auto before = std::chrono::steady_clock::now();
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(ask(s3_host).status(), 200u);
    EXPECT_LT(std::chrono::steady_clock::now() - before, 20 * chain::connection_race::head_start);
}

TEST_F(Dialling, SaysWhichAddressKeepsSilent) {
    dns.script("s3.test", {{"127.0.0.2"}});
    start(200ms);
    const black_hole hole("127.0.0.2", proxy->upstream.port());
    peer client = proxy->connect();
    client.send(request_to(s3_host));
    const message m = client.receive();
    EXPECT_EQ(m.status(), 504u);
    EXPECT_NE(m.body.find("127.0.0.2"), std::string::npos) << m.body;
}

TEST_F(Dialling, EndsInTheMiddleOfConnecting) {
    dns.script("s3.test", {{"127.0.0.2"}});
    start();
    const black_hole hole("127.0.0.2", proxy->upstream.port());
    peer client = proxy->connect();
    client.send(request_to(s3_host));
    dns.await_question("s3.test");
    while (proxy->counters().upstream_connections == 0) {
    }
}

TEST_F(Dialling, RefusesAnAwsNameWithAPrivateAddressAmongPublicOnes) {
    dns.script(std::string(s3_host), {{"192.0.78.1", "127.0.0.1"}});
    proxy.emplace([](conf::config& c) { c.routes.clear(); }, some_credentials(), dns.service());
    peer client = proxy->connect();
    client.send(request_to(s3_host));
    const message m = client.receive();
    EXPECT_EQ(m.status(), 403u);
    EXPECT_EQ(m.value("x-countersign-error"), "address-refused");
}

} // namespace dialling_test
} // namespace countersign::proxy
