// What the real worker does not send on, though it is well formed: by policy, by rate, as a dry run; and what a route
// changes in what it does send.
#include "proxy/client_connection.hpp"
#include "tests/proxy/support/live_proxy.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::proxy {
namespace admission_test {

using namespace countersign::tests;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr std::string_view dynamodb_host = "dynamodb.us-east-1.amazonaws.com";

std::string dynamodb(std::string_view operation, std::string_view more = "") {
    return fmt::format(
        "POST / HTTP/1.1\r\nHost: {}\r\nX-Amz-Target: DynamoDB_20120810.{}\r\n{}Content-Length: 2\r\n\r\n{{}}",
        dynamodb_host,
        operation,
        more
    );
}

void deny_action(conf::config& c, std::string service, std::string action) {
    conf::rule r;
    r.action_service = std::move(service);
    r.action = std::move(action);
    r.line = 3;
    c.policy.deny.push_back(std::move(r));
}

TEST(Restrictions, DenyAnActionAndLetOthersThrough) {
    live_proxy p([](conf::config& c) { deny_action(c, "dynamodb", "delete*"); });
    peer client = p.connect();
    client.send(dynamodb("DeleteTable"));
    const message refused = client.receive();
    EXPECT_EQ(refused.status(), 403u);
    EXPECT_EQ(refused.value("x-countersign-error"), "policy-denied");
    EXPECT_EQ(refused.value("Content-Type"), "application/json");
    EXPECT_THAT(refused.body, HasSubstr("\"__type\":\"AccessDeniedException\""));
    EXPECT_THAT(refused.body, HasSubstr("line 3"));
    EXPECT_FALSE(p.upstream.was_called());
    client.send(dynamodb("GetItem")); // the connection goes on
    peer up = p.upstream.accept();
    EXPECT_THAT(up.receive().value("X-Amz-Target"), HasSubstr("GetItem"));
}

TEST(Restrictions, DecideOnWhatGoesOutNotOnWhatCame) {
    live_proxy p([](conf::config& c) { deny_action(c, "sqs", "deletequeue"); });
    const auto ask = [&](std::string_view line, std::string_view fields, std::string_view body) {
        peer client = p.connect();
        client.send(fmt::format(
            "{} HTTP/1.1\r\nHost: sqs.us-east-1.amazonaws.com\r\n{}Content-Length: {}\r\n\r\n{}",
            line,
            fields,
            body.size(),
            body
        ));
        return client.receive().value("x-countersign-error");
    };
    // The field that says otherwise ends here, and would have been believed.
    EXPECT_EQ(
        ask("POST /",
            "Connection: X-Amz-Target\r\nX-Amz-Target: AmazonSQS.GetQueueUrl\r\n",
            "Action=DeleteQueue&QueueUrl=q"),
        "policy-denied"
    );
    EXPECT_EQ(ask("GET /?Action=GetQueueUrl&X-Amz-Signature=1&%41ction=DeleteQueue", "", ""), "policy-denied");
    EXPECT_EQ(ask("POST /", "Content-Type: text/plain\r\n", "Action=Delete%51ueue"), "policy-denied");
    EXPECT_FALSE(p.upstream.was_called());
}

TEST(Restrictions, RefuseByMethodBeforeTheBodyIsAskedFor) {
    live_proxy p([](conf::config& c) {
        conf::rule r;
        r.service = "s3";
        r.method = {"GET", "HEAD"};
        c.policy.allow.push_back(r);
    });
    peer client = p.connect();
    client.send(request_text("PUT /k", "Content-Length: 5\r\nExpect: 100-continue\r\n"));
    const message refused = client.receive();
    EXPECT_EQ(refused.status(), 403u);
    EXPECT_THAT(refused.body, HasSubstr("<Code>AccessDenied</Code>"));
    EXPECT_FALSE(p.upstream.was_called());
    peer other = p.connect();
    other.send(request_text("GET /k"));
    p.upstream.accept().receive();
}

TEST(Restrictions, SayHowLongToWaitWhenTheRateIsReached) {
    live_proxy p([](conf::config& c) { c.routes.front().rate_limit = conf::rate{2, 3600s}; });
    peer client = p.connect();
    client.send(request_text("GET /1") + request_text("GET /2") + request_text("GET /3"));
    peer up = p.upstream.accept();
    for (int i = 0; i < 2; ++i) {
        up.receive();
        up.send(answer_text("200 OK"));
        EXPECT_EQ(client.receive().status(), 200u);
    }
    const message refused = client.receive();
    EXPECT_EQ(refused.status(), 503u);
    EXPECT_EQ(refused.value("x-countersign-error"), "rate-limited");
    EXPECT_THAT(refused.body, HasSubstr("<Code>SlowDown</Code>"));
    EXPECT_GT(std::stoi(refused.value("Retry-After")), 1700);
    EXPECT_LE(std::stoi(refused.value("Retry-After")), 1800);
}

TEST(Restrictions, LetRequestsWaitForTheirTurn) {
    live_proxy p([](conf::config& c) { c.routes.front().rate_limit = conf::rate{20, 10s}; });
    peer client = p.connect();
    const auto began = std::chrono::steady_clock::now();
    client.send(request_text("GET /k"));
    peer up = p.upstream.accept();
    for (int i = 0; i < 22; ++i) { // the last two wait for half a second each
        up.receive();
        up.send(answer_text("200 OK"));
        EXPECT_EQ(client.receive().status(), 200u);
        client.send(request_text("GET /k"));
    }
    EXPECT_GE(std::chrono::steady_clock::now() - began, 1s);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 4s);
}

TEST(Restrictions, GiveTheTurnBackWithTheClient) {
    live_proxy p([](conf::config& c) {
        c.routes.front().rate_limit = conf::rate{1, 2s};
        c.routes.front().rate_limit_wait = 2s;
    });
    peer client = p.connect();
    client.send(request_text("GET /1"));
    peer up = p.upstream.accept();
    up.receive();
    up.send(answer_text("200 OK"));
    EXPECT_EQ(client.receive().status(), 200u);
    peer gone = p.connect();
    gone.send(request_text("GET /2"));
    while (p.counters().client_connections != 2) {
    }
    gone.reset();
    while (p.counters().client_connections != 1) {
    }
    client.send(request_text("GET /3")); // behind the other it would come too late
    EXPECT_EQ(up.receive().first_line(), "GET /3 HTTP/1.1");
    up.send(answer_text("200 OK"));
    EXPECT_EQ(client.receive().status(), 200u);
}

TEST(Restrictions, TakeRoutesByPathAndMethodOnOneConnection) {
    live_proxy p([](conf::config& c) {
        conf::route special = c.routes.front();
        special.path = "/v1/";
        special.method = {"PUT"};
        special.add_headers = {{"X-Tenant", "a"}, {"X-Amz-Meta-Tenant", "b"}};
        special.remove_headers = {"x-debug"};
        c.routes.insert(c.routes.begin(), special);
    });
    peer client = p.connect();
    const std::string fields = "X-Debug: 1\r\nx-tenant: forged\r\nX-AMZ-META-TENANT: forged\r\nContent-Length: 0\r\n";
    client.send(request_text("PUT /v1/k", fields));
    peer up = p.upstream.accept();
    const message changed = up.receive();
    EXPECT_THAT(changed.values("X-Debug"), SizeIs(0));
    EXPECT_THAT(changed.values("X-Tenant"), testing::ElementsAre("a"));
    EXPECT_THAT(changed.values("X-Amz-Meta-Tenant"), testing::ElementsAre("b"));
    EXPECT_THAT(changed.value("Authorization"), HasSubstr(";x-amz-meta-tenant"));
    up.send(answer_text("200 OK"));
    client.receive();
    client.send(request_text("POST /v1/k", fields)); // the other route's: other connections, too
    peer other = p.upstream.accept();
    const message plain = other.receive();
    EXPECT_EQ(plain.value("X-Debug"), "1");
    EXPECT_THAT(plain.values("X-Tenant"), testing::ElementsAre("forged"));
    other.send(answer_text("200 OK"));
    client.receive();
    client.send(request_text("PUT /v2/../v1/k", fields));
    EXPECT_EQ(client.receive().value("x-countersign-error"), "ambiguous-path");
}

TEST(Restrictions, HoldARoutesOwnTimeOuts) {
    live_proxy p([](conf::config& c) {
        c.routes.front().response_timeout = 150ms;
        c.routes.front().retry_mode = conf::retry_mode::off;
    });
    peer client = p.connect();
    client.send(request_text("GET /k"));
    peer up = p.upstream.accept();
    up.receive();
    EXPECT_EQ(client.receive().value("x-countersign-error"), "upstream-timeout");
}

TEST(Restrictions, ShowWhatWouldBeSentAndDialNobody) {
    live_proxy p([](conf::config& c) { c.policy.dry_run = true; });
    peer client = p.connect();
    client.send(request_text("PUT /a%20b?x=1", "X-Countersign-Dry-Run: sign\r\nContent-Length: 2\r\n", "hi"));
    const message shown = client.receive();
    EXPECT_EQ(shown.status(), 200u);
    EXPECT_EQ(shown.value("Content-Type"), "message/http");
    EXPECT_EQ(shown.value("Cache-Control"), "no-store");
    EXPECT_THAT(shown.body, StartsWith("PUT /a%20b?x=1 HTTP/1.1\r\nHost: bucket.s3.us-east-1.amazonaws.com\r\n"));
    EXPECT_THAT(shown.body, HasSubstr("Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
    EXPECT_THAT(shown.body, Not(HasSubstr("Dry-Run")));
    EXPECT_THAT(shown.body, testing::EndsWith("\r\n\r\nhi"));
    client.send("HEAD / HTTP/1.1\r\nHost: " + std::string(s3_host) + "\r\nX-Countersign-Dry-Run: sign\r\n\r\n");
    EXPECT_EQ(client.receive(has_body::never).status(), 200u);
    EXPECT_FALSE(p.upstream.was_called());
    client.send(request_text("GET /next"));
    EXPECT_EQ(p.upstream.accept().receive().first_line(), "GET /next HTTP/1.1");
}

TEST(Restrictions, NeverSendWhatWasToBeADryRun) {
    live_proxy off;
    live_proxy on([](conf::config& c) {
        c.policy.dry_run = true;
        c.listen.allow_origin = {"https://ok.example"};
    });
    const auto code = [](live_proxy& p, std::string_view fields) {
        peer client = p.connect();
        client.send(request_text("GET /k", fields));
        return client.receive().value("x-countersign-error");
    };
    EXPECT_EQ(code(off, "X-Countersign-Dry-Run: sign\r\n"), "dry-run-refused");
    EXPECT_EQ(code(off, "x-countersign-dry-run: anything\r\n"), "dry-run-refused");
    for (const char* fields :
         {"X-Countersign-Dry-Run: send\r\n",
          "X-Countersign-Dry-Run:\r\n",
          "X-Countersign-Dry-Run: sign\r\nX-Countersign-Dry-Run: sign\r\n",
          "X-Countersign-Dry-Run: Sign\r\n"})
        EXPECT_EQ(code(on, fields), "bad-dry-run") << fields;
    EXPECT_EQ(code(on, "X-Countersign-Dry-Run: sign\r\nOrigin: https://ok.example\r\n"), "dry-run-refused");
    EXPECT_EQ(code(on, "X-Countersign-Dry-Run: sign\r\nOrigin: https://evil.example\r\n"), "browser-request");
    EXPECT_FALSE(off.upstream.was_called());
    EXPECT_FALSE(on.upstream.was_called());
}

} // namespace admission_test
} // namespace countersign::proxy
