// Container and instance sources and the refresher against a real endpoint on loopback that misbehaves.
#include "chain/chain.hpp"
#include "chain/refresh.hpp"
#include "tests/support/fake_world.hpp"
#include "tests/support/imposter.hpp"
#include "tests/support/run_task.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace loopback_test {

using namespace std::chrono_literals;
using tests::http_text;
using tests::manner;

struct Loopback : testing::Test {
    Loopback() {
        outside.network = true;
        outside.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = endpoint.url("/keys");
        outside.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = endpoint.url("");
        good = http_text(200, tests::credential_json("AKID", outside.time + 1h));
    }
    answer ask(const std::unique_ptr<provider>& source) { return tests::run_task(on, ask_then_close(source.get())); }
    task<answer> ask_then_close(provider* source) {
        answer a = co_await source->fetch(outside);
        endpoint.close();
        co_return a;
    }

    boost::asio::io_context on{1};
    tests::imposter endpoint{on};
    tests::fake_world outside{on};
    std::string good;
};

TEST_F(Loopback, ContainerGivesCredentials) {
    endpoint.script(manner::answer, good);
    EXPECT_TRUE(std::holds_alternative<credentials>(ask(container_source())));
    EXPECT_EQ(endpoint.heads().at(0).substr(0, 20), "GET /keys HTTP/1.1\r\n");
}

TEST_F(Loopback, ContainerSurvivesAHangAResetAndGarbage) {
    endpoint.script(manner::hang);
    endpoint.script(manner::reset);
    endpoint.script(manner::answer, good);
    EXPECT_TRUE(std::holds_alternative<credentials>(ask(container_source())));
    EXPECT_EQ(endpoint.heads().size(), 3u);
}

TEST_F(Loopback, ContainerGivesUpOnEveryKindOfIllness) {
    struct row {
        manner how;
        std::string text;
        std::size_t asked;
    };
    for (const row& r : {
             row{manner::reset, "", 3},
             row{manner::hang, "", 3},
             row{manner::answer, http_text(500, ""), 3},
             row{manner::answer, http_text(429, ""), 3},
             row{manner::answer, http_text(200, "{\"AccessKeyId\":"), 3},
             row{manner::answer, http_text(302, "", "Location: http://169.254.169.254/\r\n"), 1},
             row{manner::answer, http_text(200, tests::credential_json("A", outside.time - 1s)), 1},
             row{manner::flood, "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n{", 1},
             row{manner::flood, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n{", 1},
         }) {
        boost::asio::io_context fresh{1};
        tests::imposter ill(fresh);
        tests::fake_world there(fresh);
        there.network = true;
        there.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = ill.url("/");
        ill.script(r.how, r.text);
        const auto source = container_source();
        std::optional<answer> a;
        const auto work = [&]() -> task<> {
            a = co_await source->fetch(there);
            ill.close();
        };
        boost::asio::co_spawn(fresh, work(), [](std::exception_ptr) {});
        fresh.run_for(10s);
        ASSERT_TRUE(a) << r.text;
        EXPECT_TRUE(std::holds_alternative<failure>(*a)) << r.text;
        EXPECT_EQ(ill.heads().size(), r.asked) << r.text;
    }
}

TEST_F(Loopback, ImdsGivesTheRolesCredentials) {
    endpoint.script(manner::answer, http_text(200, "tok", "X-Aws-Ec2-Metadata-Token-Ttl-Seconds: 60\r\n"));
    endpoint.script(manner::answer, http_text(200, "my-role"));
    endpoint.script(manner::answer, good);
    EXPECT_TRUE(std::holds_alternative<credentials>(ask(imds_source({}))));
    EXPECT_NE(endpoint.heads().at(2).find("x-aws-ec2-metadata-token: tok\r\n"), std::string::npos);
}

TEST_F(Loopback, ImdsIsNotMineWhereThePortIsClosed) {
    endpoint.close();
    EXPECT_TRUE(std::holds_alternative<not_mine>(ask(imds_source({}))));
}

TEST_F(Loopback, RefresherStopsInTheMiddleOfARealExchange) {
    endpoint.script(manner::hang);
    int told = 0;
    refresher subject(on, outside, {}, [&](const snapshot&) { ++told; });
    subject.start();
    while (endpoint.heads().empty() && on.run_one_for(5s) != 0) {
    }
    ASSERT_EQ(endpoint.heads().size(), 1u);
    subject.stop();
    endpoint.close();
    const auto begun = std::chrono::steady_clock::now();
    on.run_for(5s);
    EXPECT_TRUE(on.stopped());
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 200ms) << "shorter than the read limit: it was cancelled";
    EXPECT_EQ(told, 0);
}

} // namespace loopback_test
} // namespace countersign::chain
