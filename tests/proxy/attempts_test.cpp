// What an answer is compared with: what its own attempt was signed with.
#include "tests/proxy/support/live_proxy.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

namespace countersign::proxy {
namespace {

using namespace countersign::tests;
using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::string_view expired = "<Error><Code>ExpiredToken</Code></Error>";
constexpr std::string_view wrong_region =
    "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>";
constexpr std::string_view get_from_bucket = "GET /k HTTP/1.1\r\nHost: b.s3.amazonaws.com\r\n\r\n";

chain::snapshot keys(std::string_view id) {
    auto made = std::make_shared<chain::credentials>();
    made->access_key_id = id;
    made->secret_access_key = chain::secret("secret");
    made->session_token = chain::secret("token");
    made->provider = "container";
    return {std::move(made), ""};
}

std::string signed_by(peer& up) {
    return up.receive().value("Authorization");
}

TEST(Attempts, LearnARegionThatAnotherRequestHasLearned) {
    live_proxy p;
    peer first = p.connect();
    peer second = p.connect();
    first.send(get_from_bucket);
    peer up_first = p.upstream.accept();
    EXPECT_THAT(signed_by(up_first), HasSubstr("/us-east-1/s3/"));
    second.send(get_from_bucket);
    peer up_second = p.upstream.accept();
    EXPECT_THAT(signed_by(up_second), HasSubstr("/us-east-1/s3/"));
    for (auto [client, up] : {std::pair{&first, &up_first}, std::pair{&second, &up_second}}) {
        up->send(answer_text("400 Bad Request", wrong_region));
        EXPECT_THAT(signed_by(*up), HasSubstr("/eu-west-1/s3/"));
        up->send(answer_text("200 OK"));
        EXPECT_EQ(client->receive().status(), 200u);
    }
    first.send(get_from_bucket);
    EXPECT_THAT(signed_by(up_second), HasSubstr("/eu-west-1/s3/"));
}

TEST(Attempts, UseKeysThatAreThereAlreadyWithoutAsking) {
    live_proxy p({}, keys("AKIDOLD"));
    std::atomic<int> asked = 0;
    p.worker().on_expired_credentials = [&](std::size_t) { ++asked; };
    peer client = p.connect();
    client.send(request_text("GET /k"));
    peer up = p.upstream.accept();
    EXPECT_THAT(signed_by(up), HasSubstr("AKIDOLD"));
    p.worker().set_credentials(0, keys("AKIDNEW"));
    p.counters(); // they have arrived
    up.send(answer_text("400 Bad Request", expired));
    EXPECT_THAT(signed_by(up), HasSubstr("AKIDNEW"));
    up.send(answer_text("200 OK"));
    EXPECT_EQ(client.receive().status(), 200u);
    EXPECT_EQ(asked, 0);
}

TEST(Attempts, TakeTheSameKeysReadAgainForNoOthers) {
    live_proxy p({}, keys("AKIDOLD"));
    std::atomic<int> asked = 0;
    std::promise<void> first;
    p.worker().on_expired_credentials = [&](std::size_t) {
        if (++asked == 1)
            first.set_value();
    };
    peer client = p.connect();
    client.send(request_text("GET /k"));
    peer up = p.upstream.accept();
    signed_by(up);
    up.send(answer_text("400 Bad Request", expired));
    first.get_future().wait_for(patience);
    p.worker().set_credentials(0, keys("AKIDOLD"));
    p.counters();
    EXPECT_EQ(asked, 2);
    p.worker().set_credentials(0, keys("AKIDNEW"));
    EXPECT_THAT(signed_by(up), HasSubstr("AKIDNEW"));
    up.send(answer_text("200 OK"));
    EXPECT_EQ(client.receive().status(), 200u);
}

} // namespace
} // namespace countersign::proxy
