#include "chain/rfc3339.hpp"
#include "chain/sts_answer.hpp"
#include "tests/support/sts_ask.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace sts_answer_test {

// The example of the AWS STS API Reference, AssumeRole.
constexpr std::string_view published = R"(<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
  <SourceIdentity>Alice</SourceIdentity>
    <AssumedRoleUser>
      <Arn>arn:aws:sts::123456789012:assumed-role/demo/TestAR</Arn>
      <AssumedRoleId>ARO123EXAMPLE123:TestAR</AssumedRoleId>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>
      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>
      <SessionToken>
</SessionToken>
      <Expiration>2019-11-09T13:34:41Z</Expiration>
    </Credentials>
    <PackedPolicySize>6</PackedPolicySize>
  </AssumeRoleResult>
  <ResponseMetadata>
    <RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId>
  </ResponseMetadata>
</AssumeRoleResponse>)";

std::string published_with(std::string_view what, std::string_view by) {
    std::string text(published);
    text.replace(text.find("<SessionToken>\n"), 15, "<SessionToken>AQoDYXdzEPT//wEXAMPLE==");
    const auto at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), by);
}

TEST(StsAnswer, ReadsThePublishedExample) {
    const auto c = read_sts_answer(published_with("Alice", "Alice"), "AssumeRole");
    ASSERT_TRUE(c) << c.error().detail;
    EXPECT_EQ(c->access_key_id, "ASIAIOSFODNN7EXAMPLE");
    EXPECT_EQ(c->secret_access_key.reveal(), "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY");
    EXPECT_EQ(c->session_token.reveal(), "AQoDYXdzEPT//wEXAMPLE==");
    EXPECT_EQ(write_rfc3339(*c->expiration), "2019-11-09T13:34:41Z");
    EXPECT_EQ(c->account_id, "123456789012");
}

TEST(StsAnswer, RefusesAnyOtherShape) {
    struct row {
        const char* what;
        const char* by;
    };
    for (const row& r : {
             row{"<AssumeRoleResponse ", "<AssumeRoleResponse2 "},
             row{"<SessionToken>AQoDYXdzEPT//wEXAMPLE==</SessionToken>", ""},
             row{"<Expiration>2019-11-09T13:34:41Z</Expiration>", ""},
             row{"<AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>", "<AccessKeyId/>"},
             row{"wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY", ""},
             row{"AQoDYXdz", "AQo DYXdz"},
             row{"AQoDYXdz", "AQo&#13;&#10;X: y"},
             row{"AQoDYXdz", "AQo\xc3\xa4"},
             row{"AQoDYXdz", "AQo<!-- a -->"},
             row{"AQoDYXdz", "AQo<b/>"},
             row{"AQoDYXdz", "<!-- a -->"},
             row{"AQoDYXdz", "<?a b?>"},
             row{"AQoDYXdz", "<![CDATA[AQo]]>"},
             row{"<Expiration>", "<AccessKeyId>ASIA2</AccessKeyId><Expiration>"},
             row{"<Credentials>", "<Credentials></Credentials><Credentials>"},
             row{"2019-11-09T13:34:41Z", "soon"},
             row{"<SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>", ""},
         }) {
        const auto c = read_sts_answer(published_with(r.what, r.by), "AssumeRole");
        ASSERT_FALSE(c) << r.by;
        EXPECT_EQ(c.error().detail.find("wJalr"), std::string::npos);
    }
    EXPECT_FALSE(read_sts_answer(published_with("Alice", "x"), "GetSessionToken")) << "an answer to another question";
}

TEST(StsAnswer, MaySayThatThereIsNoTokenAndNoEnd) {
    for (const auto* none : {"<SessionToken/>", "<SessionToken></SessionToken>"}) {
        const auto c =
            read_sts_answer(published_with("<SessionToken>AQoDYXdzEPT//wEXAMPLE==</SessionToken>", none), "AssumeRole");
        ASSERT_TRUE(c) << c.error().detail;
        EXPECT_TRUE(c->session_token.empty());
        EXPECT_TRUE(c->expiration);
    }
    const auto c =
        read_sts_answer(published_with("<Expiration>2019-11-09T13:34:41Z</Expiration>", "<Expiration/>"), "AssumeRole");
    ASSERT_TRUE(c) << c.error().detail;
    EXPECT_FALSE(c->expiration);
    EXPECT_EQ(c->session_token.reveal(), "AQoDYXdzEPT//wEXAMPLE==");
}

TEST(StsAnswer, IsWorthAnotherAttemptWhenItIsNoXml) {
    const auto whole = published_with("Alice", "x");
    for (const auto& text : {std::string("{}"), std::string(), whole.substr(0, 700)})
        EXPECT_FALSE(read_sts_answer(text, "AssumeRole")) << text;
    EXPECT_TRUE(read_sts_answer(whole.substr(0, 700), "AssumeRole").error().retryable);
    EXPECT_FALSE(read_sts_answer(whole + std::string("\0", 1), "AssumeRole"));
}

TEST(StsAnswer, DoesWithoutTheAccount) {
    for (const auto* arn : {"", "nonsense", "arn:aws:sts::", "a:b:c:d:x y:e"}) {
        const auto c =
            read_sts_answer(published_with("arn:aws:sts::123456789012:assumed-role/demo/TestAR", arn), "AssumeRole");
        ASSERT_TRUE(c) << arn;
        EXPECT_EQ(c->account_id, "") << arn;
    }
}

TEST(StsError, ReadsCodeAndMessage) {
    const auto e = read_sts_error(tests::sts_error_xml("AccessDenied", "User: arn:x is not authorized"));
    EXPECT_EQ(e.code, "AccessDenied");
    EXPECT_EQ(e.message, "User: arn:x is not authorized");
}

TEST(StsError, KeepsTheCanonicalRequestOut) {
    const auto e = read_sts_error(tests::sts_error_xml(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match.\n\nThe Canonical String for this request should have been"
        "\n'POST\n/\n\nx-amz-security-token:T0k3n'"
    ));
    EXPECT_EQ(e.message, "The request signature we calculated does not match.");
}

TEST(StsError, IsCutAndPrintable) {
    const auto e = read_sts_error(tests::sts_error_xml(std::string(500, 'C'), "\x1b[31m" + std::string(5000, 'm')));
    EXPECT_LE(e.code.size(), 67u);
    EXPECT_LE(e.message.size(), 403u);
    EXPECT_EQ(e.message.find('\x1b'), std::string::npos);
}

TEST(StsError, IsEmptyForOtherTexts) {
    for (const auto* text : {"", "<html>", "<Error><Code>X</Code></Error>", "{\"Code\":\"X\"}"})
        EXPECT_EQ(read_sts_error(text).code, "") << text;
}

} // namespace sts_answer_test
} // namespace countersign::chain
