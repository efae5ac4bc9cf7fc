// Every source that asks somebody, against an endpoint on loopback with every illness: it ends, in a bounded number of
// questions, with one clear line and no secret; never with credentials. (The container's own table: loopback_test.cpp.)
#include "chain/provider.hpp"
#include "tests/support/fake_world.hpp"
#include "tests/support/imposter.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/sts_ask.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>

namespace countersign::chain {
namespace source_fault_test {

using namespace std::chrono_literals;
using tests::http_text;
using tests::manner;

struct illness {
    const char* name;
    manner how;
    std::string text;
    bool passes; // may be gone the next time: it is asked again
};

std::vector<illness> illnesses() {
    return {
        {"hang", manner::hang, "", true},
        {"stops halfway", manner::hang_halfway, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", true},
        {"cut short", manner::answer, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", true},
        {"reset", manner::reset, "", true},
        {"500", manner::answer, http_text(500, "sick"), true},
        {"503 in JSON", manner::answer, http_text(503, R"({"message":"sick"})"), true},
        {"429", manner::answer, http_text(429, ""), true},
        {"403", manner::answer, http_text(403, "no"), false},
        {"redirect", manner::answer, http_text(302, "", "Location: http://169.254.169.254/latest/\r\n"), false},
        {"no HTTP", manner::answer, "SSH-2.0-OpenSSH_9.2\r\n", true},
        {"garbage", manner::answer, http_text(200, "{\"AccessKeyId\":\x01<a>&"), false},
        {"nothing", manner::answer, http_text(200, ""), false},
        {"100 MB announced", manner::flood, "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n{", false},
        {"endless chunk", manner::flood, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n{", false},
        {"endless head", manner::flood, "HTTP/1.1 200 OK\r\nA: ", false},
    };
}

// A machine whose source asks the endpoint.
struct patient {
    boost::asio::io_context on{1};
    tests::imposter endpoint{on};
    tests::fake_world outside{on};
    std::unique_ptr<provider> source = profile_source({});

    patient() {
        outside.network = true;
        outside.variables = {{"HOME", "/h"}, {"AWS_REGION", "eu-west-1"}, {"AWS_EC2_METADATA_DISABLED", "true"}};
        outside.variables["AWS_ENDPOINT_URL"] = endpoint.url("");
        outside.files["/h/.aws/credentials"] =
            "[base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = base/secret\n";
        outside.files["/token"] = "web-identity-token";
    }
    std::string& config() { return outside.files["/h/.aws/config"]; }

    answer ask() {
        const auto work = [this]() -> task<answer> {
            answer a = co_await source->fetch(outside);
            endpoint.close();
            co_return a;
        };
        return tests::run_task(on, work());
    }
};

using preparation = std::function<void(patient&)>;

void expect_failure(const char* name, const illness& ill, std::size_t questions_before, const preparation& prepare) {
    SCOPED_TRACE(std::string(name) + ", " + ill.name);
    patient p;
    prepare(p);
    p.endpoint.script(ill.how, ill.text);
    const auto a = p.ask();
    const auto* broken = std::get_if<failure>(&a);
    ASSERT_TRUE(broken);
    const auto questions = p.endpoint.heads().size() - questions_before;
    EXPECT_GE(questions, ill.passes ? 2u : 1u) << broken->detail;
    EXPECT_LE(questions, 4u) << broken->detail;
    for (const auto* secret : {"base/secret", "web-identity-token", "sso-token", "metadata-token", "Signature="})
        EXPECT_EQ(broken->detail.find(secret), std::string::npos) << broken->detail;
    EXPECT_EQ(broken->detail.find_first_of("\r\n\x01"), std::string::npos) << broken->detail;
    EXPECT_LE(p.endpoint.flooded(), 64u * 1024 * 1024 / 8) << "it is not read to its end";
}

TEST(SourceFault, RolesOfProfilesFail) {
    for (const auto& ill : illnesses())
        expect_failure("role", ill, 0, [](patient& p) {
            p.config() = "[default]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = base\n";
        });
}

TEST(SourceFault, TheSecondRoleOfAChainFails) {
    for (const auto& ill : illnesses())
        expect_failure("second role", ill, 1, [](patient& p) {
            p.config() = "[default]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = mid\n"
                         "[profile mid]\nrole_arn = arn:aws:iam::1:role/b\nsource_profile = base\n";
            p.endpoint.script(
                manner::answer, http_text(200, tests::sts_xml("AssumeRole", "ASIA1", p.outside.time + 1h))
            );
        });
}

TEST(SourceFault, WebIdentityFails) {
    for (const auto& ill : illnesses())
        expect_failure("web identity", ill, 0, [](patient& p) {
            p.outside.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/w";
            p.outside.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/token";
            p.source = web_identity_source(environment_keys::count, {});
        });
}

TEST(SourceFault, SsoFails) {
    for (const auto& ill : illnesses())
        expect_failure("sso", ill, 0, [](patient& p) {
            p.config() = "[default]\nsso_session = dev\nsso_account_id = 123456789012\nsso_role_name = r\n"
                         "[sso-session dev]\nsso_region = us-west-2\nsso_start_url = https://x.awsapps.com/start\n";
            // SHA-1 of "dev", by sha1sum.
            p.outside.files["/h/.aws/sso/cache/34c6fceca75e456f25e7e99531e2425c6c1de443.json"] =
                R"({"accessToken":"sso-token","expiresAt":"2027-01-01T00:00:00Z"})";
        });
}

TEST(SourceFault, TheRoleOfAnInstanceFails) {
    for (auto ill : illnesses()) {
        ill.passes &= std::string_view(ill.name) != "429"; // the metadata service has no such answer
        expect_failure("imds", ill, 2, [](patient& p) {
            p.outside.variables["AWS_EC2_METADATA_DISABLED"] = "false";
            p.outside.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = p.endpoint.url("");
            p.source = imds_source({});
            p.endpoint.script(
                manner::answer, http_text(200, "metadata-token", "X-Aws-Ec2-Metadata-Token-Ttl-Seconds: 600\r\n")
            );
            p.endpoint.script(manner::answer, http_text(200, "my-role"));
        });
    }
}

// A clock that is years ahead sees every answer as expired, one that is behind is told so by STS: both say what they
// saw instead of trying for ever.
TEST(SourceFault, AClockThatIsFarOffIsSeenInTheMessage) {
    const auto role = [](patient& p) {
        p.config() = "[default]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = base\n";
    };
    patient ahead;
    role(ahead);
    ahead.endpoint.script(
        manner::answer, http_text(200, tests::sts_xml("AssumeRole", "ASIA1", ahead.outside.time - 8760h))
    );
    auto a = ahead.ask();
    ASSERT_TRUE(std::holds_alternative<failure>(a));
    EXPECT_NE(std::get<failure>(a).detail.find("expired at 2025-11-22T00:00:00Z"), std::string::npos);
    EXPECT_EQ(ahead.endpoint.heads().size(), 1u);

    patient behind;
    role(behind);
    behind.endpoint.script(
        manner::answer,
        http_text(
            403, tests::sts_error_xml("SignatureDoesNotMatch", "Signature expired: 20261122T000000Z is now earlier")
        )
    );
    a = behind.ask();
    ASSERT_TRUE(std::holds_alternative<failure>(a));
    EXPECT_NE(std::get<failure>(a).detail.find("Signature expired: 20261122T000000Z"), std::string::npos);
    EXPECT_EQ(behind.endpoint.heads().size(), 1u);
}

} // namespace source_fault_test
} // namespace countersign::chain
