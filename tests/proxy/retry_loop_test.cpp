// What a request's attempts are compared with, which of them are repeated and which must not be.
#include "tests/proxy/support/live_proxy.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

namespace countersign::proxy {
namespace retry_loop_test {

using namespace countersign::tests;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

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

std::string post(std::string_view fields = "") {
    return request_text("POST /k", fmt::format("{}Content-Length: 4\r\n", fields), "body");
}

std::string signed_by(peer& up) {
    return up.receive().value("Authorization");
}

// A POST whose connection ends behind it: what the client gets, and whether it came once more.
message lose_the_answer(live_proxy& p, std::string_view request, std::string_view begun = "") {
    peer client = p.connect();
    client.send(request);
    peer up = p.upstream.accept();
    up.receive();
    up.send(begun);
    up.close();
    return client.receive();
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
    for (peer* up : {&up_first, &up_second}) { // neither may be idle meanwhile: the other's repeat could go there
        up->send(answer_text("400 Bad Request", wrong_region));
        EXPECT_THAT(signed_by(*up), HasSubstr("/eu-west-1/s3/"));
    }
    up_first.send(answer_text("200 OK", "", "Connection: close\r\n"));
    EXPECT_EQ(first.receive().status(), 200u);
    up_second.send(answer_text("200 OK"));
    EXPECT_EQ(second.receive().status(), 200u);
    first.send(get_from_bucket);
    EXPECT_THAT(signed_by(up_second), HasSubstr("/eu-west-1/s3/"));
}

TEST(Attempts, UseKeysThatAreThereAlreadyWithoutAsking) {
    live_proxy p({}, keys("AKIDOLD"));
    std::atomic<int> asked = 0;
    p.worker().state().on_expired_credentials = [&](std::size_t) { ++asked; };
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
    p.worker().state().on_expired_credentials = [&](std::size_t) {
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

TEST(Attempts, PassTheAnswerOnWhenTheKeysSourceHasNoOthers) {
    live_proxy p({}, keys("AKIDOLD"));
    std::atomic<int> asked = 0;
    p.worker().state().on_expired_credentials = [&](std::size_t) {
        chain::snapshot again = keys("AKIDOLD");
        again.load_began = std::chrono::system_clock::now() + 1h * (++asked == 2 ? 1 : -1); // the first was under way
        p.worker().set_credentials(0, again);
    };
    peer client = p.connect();
    client.send(request_text("GET /k"));
    peer up = p.upstream.accept();
    signed_by(up);
    up.send(answer_text("400 Bad Request", expired));
    EXPECT_EQ(client.receive().status(), 400u);
    EXPECT_EQ(asked, 2);
}

TEST(Attempts, RepeatNoRequestThatMayHaveBeenCarriedOut) {
    live_proxy p;
    for (const char* begun :
         {"",
          "HTTP/1.1 20",
          "GARBAGE\r\n\r\n",
          "HTTP/1.1 500 x\r\nContent-Length: 9\r\n\r\n",
          "HTTP/1.1 503 x\r\nContent-Length: x\r\n\r\n"}) {
        const message refused = lose_the_answer(p, post(), begun);
        EXPECT_EQ(refused.status(), 502u) << begun;
        EXPECT_THAT(refused.body, HasSubstr("may have been carried out")) << begun;
        EXPECT_THAT(refused.body, HasSubstr("retry.unknown_outcome")) << begun;
        EXPECT_FALSE(p.upstream.was_called()) << begun;
    }
}

TEST(Attempts, BlameTheRuleOnlyWhereTheRequestWouldHaveBeenRepeated) {
    live_proxy late([](conf::config& c) { c.retry.max_elapsed = -1s; }); // over before the first attempt is
    live_proxy once([](conf::config& c) { c.retry.mode = conf::retry_mode::off; });
    for (live_proxy* p : {&late, &once}) {
        const message refused = lose_the_answer(*p, post());
        EXPECT_EQ(refused.status(), 502u);
        EXPECT_THAT(refused.body, HasSubstr("may have been carried out"));
        EXPECT_THAT(refused.body, Not(HasSubstr("retry.unknown_outcome")));
    }
}

TEST(Attempts, RepeatWhatOnlyReadsOrHasAToken) {
    live_proxy p;
    const std::string requests[]{
        post("Idempotency-Key: 1\r\n"),
        request_text("PUT /k", "Content-Length: 4\r\n", "body"),
        request_text("DELETE /k"),
        "POST / HTTP/1.1\r\nHost: sqs.us-east-1.amazonaws.com\r\nX-Amz-Target: AmazonSQS.ListQueues\r\n"
        "Content-Length: 2\r\n\r\n{}",
    };
    for (const std::string& request : requests) {
        peer client = p.connect();
        client.send(request);
        peer up = p.upstream.accept();
        up.receive();
        up.close();
        peer next = p.upstream.accept();
        next.receive();
        next.send(answer_text("200 OK", "", "Connection: close\r\n"));
        EXPECT_EQ(client.receive().status(), 200u) << request;
    }
}

TEST(Attempts, RepeatAThrottledPost) {
    live_proxy p;
    peer client = p.connect();
    client.send(post());
    peer up = p.upstream.accept();
    for (const char* status : {"503 Slow", "500 Internal", "200 OK"}) {
        EXPECT_EQ(up.receive().body, "body");
        up.send(answer_text(status));
    }
    EXPECT_EQ(client.receive().status(), 200u);
}

TEST(Attempts, DoAsTheSettingSaysWhereNobodyKnows) {
    live_proxy all([](conf::config& c) { c.retry.unknown_outcome = conf::unknown_outcome::all; });
    peer client = all.connect();
    client.send(post());
    peer up = all.upstream.accept();
    up.receive();
    up.close();
    peer next = all.upstream.accept();
    next.receive();
    next.send(answer_text("200 OK"));
    EXPECT_EQ(client.receive().status(), 200u);

    live_proxy never([](conf::config& c) { c.retry.unknown_outcome = conf::unknown_outcome::never; });
    EXPECT_EQ(lose_the_answer(never, request_text("GET /k")).status(), 502u);
    EXPECT_FALSE(never.upstream.was_called());
}

TEST(Attempts, SendAPostAgainThatAClosedConnectionNeverGot) {
    live_proxy p([](conf::config& c) { c.retry.mode = conf::retry_mode::off; });
    peer client = p.connect();
    for (int i = 0; i < 20; ++i) { // it closes while the next request is already on its way, or just before
        client.send(post());
        peer up = p.upstream.accept();
        up.receive();
        up.send(answer_text("200 OK"));
        EXPECT_EQ(client.receive().status(), 200u);
        up.close();
    }
}

TEST(Attempts, SendNoPostAgainThatAKeptConnectionGot) {
    live_proxy p;
    peer client = p.connect();
    client.send(request_text("GET /k"));
    peer up = p.upstream.accept();
    up.receive();
    up.send(answer_text("200 OK"));
    EXPECT_EQ(client.receive().status(), 200u);
    client.send(post());
    up.receive();
    up.reset();
    EXPECT_EQ(client.receive().status(), 502u);
    EXPECT_FALSE(p.upstream.was_called());
}

TEST(Attempts, ReadAnErrorBodyThatEndsWithTheConnection) {
    live_proxy p;
    peer client = p.connect();
    client.send(request_text("PUT /k", "Content-Length: 4\r\n", "body"));
    peer up = p.upstream.accept();
    up.receive();
    up.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    p.counters(); // the head is there before the body
    up.send("<Error><Code>Request");
    up.send("Timeout</Code></Error>");
    up.close();
    peer next = p.upstream.accept();
    next.receive();
    next.send("HTTP/1.1 404 Not Found\r\nX-A: b\r\n\r\n<Error><Code>");
    next.send("NoSuchKey</Code></Error>");
    next.close();
    const message got = client.receive();
    EXPECT_EQ(got.head, "HTTP/1.1 404 Not Found\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT_THAT(got.body, HasSubstr("\r\n<Error><Code>NoSuchKey</Code></Error>\r\n0\r\n\r\n"));
}

TEST(Attempts, PassAnErrorOnWhoseBodyDoesNotEnd) {
    live_proxy p([](conf::config& c) { c.upstream.response_timeout = 300ms; });
    peer client = p.connect();
    client.send(request_text("GET /k"));
    peer up = p.upstream.accept();
    up.receive();
    up.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\n01234");
    EXPECT_THAT(client.receive(has_body::never).head, HasSubstr("403"));
    up.send("56789");
    EXPECT_EQ(client.receive_bytes(10), "0123456789");
}

TEST(Attempts, EndWithTheTimeThatARequestHas) {
    live_proxy p([](conf::config& c) { c.retry.max_elapsed = 1ms; });
    peer client = p.connect();
    client.send(request_text("GET /k"));
    peer up = p.upstream.accept();
    up.receive();
    up.send(answer_text("503 Slow", "", "x-amz-retry-after: 100\r\n"));
    EXPECT_EQ(client.receive().status(), 503u);
}

void be_adaptive(conf::config& c) {
    c.retry.mode = conf::retry_mode::adaptive;
    c.retry.max_attempts = 1;
}

TEST(Attempts, WaitForTheirTurnOnceAServiceHasThrottled) {
    live_proxy p(be_adaptive);
    peer client = p.connect();
    client.send(request_text("GET /1"));
    peer up = p.upstream.accept();
    up.receive();
    up.send(answer_text("503 Slow", "<Error><Code>SlowDown</Code></Error>"));
    EXPECT_EQ(client.receive().status(), 503u);
    const auto began = std::chrono::steady_clock::now();
    client.send(request_text("GET /2"));
    up.receive();
    EXPECT_GT(std::chrono::steady_clock::now() - began, 1500ms); // half a token a second
    up.send(answer_text("200 OK"));
    EXPECT_EQ(client.receive().status(), 200u);
}

TEST(Attempts, RefuseWhoseTurnWouldComeTooLate) {
    live_proxy p([](conf::config& c) {
        be_adaptive(c);
        c.retry.max_elapsed = 1s;
    });
    peer client = p.connect();
    client.send(request_text("GET /1"));
    peer up = p.upstream.accept();
    up.receive();
    up.send(answer_text("503 Slow", "<Error><Code>SlowDown</Code></Error>"));
    EXPECT_EQ(client.receive().status(), 503u);
    client.send(request_text("GET /2"));
    const message refused = client.receive();
    EXPECT_EQ(refused.status(), 503u);
    EXPECT_EQ(refused.value("x-countersign-error"), "upstream-throttled");
    EXPECT_EQ(refused.value("Retry-After"), "2");
    EXPECT_THAT(refused.body, HasSubstr("<Code>SlowDown</Code>"));
}

TEST(Attempts, LeaveTheLineWithTheirClient) {
    live_proxy p(be_adaptive);
    peer client = p.connect();
    client.send(request_text("GET /1"));
    peer up = p.upstream.accept();
    up.receive();
    up.send(answer_text("503 Slow", "<Error><Code>SlowDown</Code></Error>"));
    EXPECT_EQ(client.receive().status(), 503u);
    peer gone = p.connect();
    gone.send(request_text("GET /2"));
    while (p.counters().client_connections != 2) {
    }
    gone.reset();
    while (p.counters().client_connections != 1) {
    }
    client.send(request_text("GET /3"));
    EXPECT_EQ(up.receive().first_line(), "GET /3 HTTP/1.1");
    up.send(answer_text("200 OK"));
    EXPECT_EQ(client.receive().status(), 200u);
}

TEST(Attempts, GoWhereS3SendsThem) {
    live_proxy p;
    peer client = p.connect();
    const std::string to_ireland = answer_text(
        "307 Temporary Redirect",
        "<Error><Code>TemporaryRedirect</Code><Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint></Error>",
        "Location: https://b.s3.eu-west-1.amazonaws.com/k\r\nx-amz-bucket-region: eu-west-1\r\n"
    );
    client.send("PUT /k HTTP/1.1\r\nHost: b.s3.amazonaws.com\r\nContent-Length: 4\r\n\r\nbody");
    peer up = p.upstream.accept();
    EXPECT_EQ(up.receive().value("Host"), "b.s3.amazonaws.com");
    up.send(to_ireland);
    peer there = p.upstream.accept();
    const message sent = there.receive();
    EXPECT_EQ(sent.value("Host"), "b.s3.eu-west-1.amazonaws.com");
    EXPECT_THAT(sent.value("Authorization"), HasSubstr("/eu-west-1/s3/"));
    EXPECT_EQ(sent.body, "body");
    there.send(to_ireland); // once is enough
    EXPECT_EQ(client.receive().status(), 307u);
}

TEST(Attempts, FollowS3NowhereElse) {
    live_proxy p([](conf::config& c) { c.policy.deny.emplace_back().region = "ap-*"; });
    peer client = p.connect();
    client.send(get_from_bucket);
    peer up = p.upstream.accept();
    const std::pair<const char*, const char*> redirects[]{
        {"http://169.254.169.254/latest", "eu-west-1"},
        {"https://example.com/k", "eu-west-1"},
        {"https://b.s3.cn-north-1.amazonaws.com.cn/k", "cn-north-1"},
        {"https://b.s3.ap-south-1.amazonaws.com/k", "ap-south-1"},
        {"", ""},
    };
    for (const auto& [location, region] : redirects) {
        up.receive();
        up.send(answer_text(
            "307 Elsewhere", "", fmt::format("Location: {}\r\nx-amz-bucket-region: {}\r\n", location, region)
        ));
        EXPECT_EQ(client.receive().status(), 307u) << location;
        EXPECT_FALSE(p.upstream.was_called()) << location;
        client.send(get_from_bucket);
    }
}

constexpr std::string_view chunked_head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n";
constexpr std::string_view hidden = "<?xml version=\"1.0\"?>\r\n   <Error><Code>InternalError</Code></Error>";
constexpr std::string_view completed = "<?xml version=\"1.0\"?>\r\n   <CompleteMultipartUploadResult/>";

std::string chunk(std::string_view text) {
    return fmt::format("{:x}\r\n{}\r\n", text.size(), text);
}

std::string complete_upload() {
    return request_text("POST /k?uploadId=u", "Content-Length: 4\r\n", "body");
}

TEST(Attempts, RepeatWhatS3RefusesWithA200) {
    for (const std::string& request :
         {complete_upload(), request_text("PUT /k", "x-amz-copy-source: /b/k\r\nContent-Length: 0\r\n")}) {
        live_proxy p;
        peer client = p.connect();
        client.send(request);
        peer up = p.upstream.accept();
        up.receive();
        up.send(std::string(chunked_head) + chunk("<?xml version=\"1.0\"?>"));
        for (int i = 0; i < 20; ++i) {
            up.send(chunk(" "));
            p.counters(); // it came by itself
        }
        up.send(chunk("<Err") + chunk("or><Code>InternalError</Code></Error>") + "0\r\n\r\n");
        up.receive(); // on the same connection
        up.send(answer_text("200 OK", completed));
        const message got = client.receive();
        EXPECT_EQ(got.status(), 200u);
        EXPECT_EQ(got.body, completed);
    }
}

TEST(Attempts, PassA200OnAsItCameWhereNoneIsLeft) {
    live_proxy p;
    peer client = p.connect();
    client.send(complete_upload());
    peer up = p.upstream.accept();
    const std::string body = chunk(" ") + chunk(hidden) + "0\r\n\r\n";
    for (int attempt = 1; attempt <= 3; ++attempt) {
        up.receive();
        up.send(std::string(chunked_head) + body);
    }
    const message got = client.receive();
    EXPECT_EQ(got.head, chunked_head);
    EXPECT_EQ(got.body, body);
    EXPECT_FALSE(p.upstream.was_called());
    EXPECT_EQ(
        p.counters().scopes.at({"s3", "us-east-1"}).retries[static_cast<std::size_t>(retry_reason::transient)], 2u
    );
}

TEST(Attempts, HoldNothingBackOnceTheResultHasBegun) {
    live_proxy p;
    peer client = p.connect();
    client.send(complete_upload());
    peer up = p.upstream.accept();
    up.receive();
    up.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 40'000 + completed.size()));
    up.send(std::string(39'999, ' ')); // more than a small block
    up.send(" ");
    up.send(completed.substr(0, 30));
    EXPECT_THAT(client.receive(has_body::never).head, HasSubstr("200 OK"));
    EXPECT_EQ(client.receive_bytes(40'030), std::string(40'000, ' ') + std::string(completed.substr(0, 30)));
    up.send(completed.substr(30));
    EXPECT_EQ(client.receive_bytes(completed.size() - 30), completed.substr(30));
    client.send(request_text("GET /2"));
    EXPECT_EQ(up.receive().first_line(), "GET /2 HTTP/1.1");
}

TEST(Attempts, KeepNoClientWaitingForWhatA200Holds) {
    live_proxy p([](conf::config& c) { c.listen.body_timeout = 300ms; });
    peer client = p.connect();
    client.send(complete_upload());
    peer up = p.upstream.accept();
    up.receive();
    up.send(std::string(chunked_head) + chunk(" "));
    EXPECT_EQ(client.receive(has_body::never).head, chunked_head);
    up.send(chunk(hidden) + "0\r\n\r\n");
    EXPECT_EQ(
        client.receive_bytes(chunk(" ").size() + chunk(hidden).size() + 5), chunk(" ") + chunk(hidden) + "0\r\n\r\n"
    );
    EXPECT_FALSE(p.upstream.was_called());
}

TEST(Attempts, HoldNothingBackForAClientThatHasLeft) {
    live_proxy p;
    peer client = p.connect();
    client.send(complete_upload());
    peer up = p.upstream.accept();
    up.receive();
    up.send(std::string(chunked_head) + chunk(" "));
    p.counters();
    client.reset();
    EXPECT_EQ(up.receive_to_end(), "");
    EXPECT_FALSE(p.upstream.was_called());
}

TEST(Attempts, RepeatNoUploadWhose200BreaksOff) {
    live_proxy p;
    const message refused = lose_the_answer(p, complete_upload(), std::string(chunked_head) + chunk(" "));
    EXPECT_EQ(refused.status(), 502u);
    EXPECT_THAT(refused.body, HasSubstr("may have been carried out"));
    EXPECT_FALSE(p.upstream.was_called());
}

TEST(Attempts, LookIntoNoOther200) {
    live_proxy p;
    const std::string asked[]{
        request_text("GET /k"),
        request_text("GET /k?uploadId=u"),
        request_text("PUT /k", "Content-Length: 4\r\n", "body"),
        request_text("POST /k?uploads", "Content-Length: 0\r\n"),
        "POST /k?uploadId=u HTTP/1.1\r\nHost: sqs.us-east-1.amazonaws.com\r\nContent-Length: 0\r\n\r\n"};
    for (const std::string& request : asked) {
        peer client = p.connect();
        client.send(request);
        peer up = p.upstream.accept();
        up.receive();
        up.send(chunked_head);
        EXPECT_EQ(client.receive(has_body::never).head, chunked_head);
        up.send(chunk(hidden) + "0\r\n\r\n");
        EXPECT_EQ(client.receive_bytes(chunk(hidden).size()), chunk(hidden)) << request;
        up.close();
    }
}

} // namespace retry_loop_test
} // namespace countersign::proxy
