#include "tests/support/profile_machine.hpp"

#include <gmock/gmock.h>

namespace countersign::chain {
namespace {

using testing::HasSubstr;
using testing::Not;

struct CredentialProcess : profile_machine {
    CredentialProcess() {
        config() = "[default]\ncredential_process = tool --password hunter2\naws_account_id = 111122223333\n";
        outside.execute = [this](const std::string&) -> result<command_reply> {
            command_reply reply;
            reply.status = status;
            reply.output = secret(output);
            reply.complaint = complaint;
            return reply;
        };
    }
    int status = 0;
    std::string output = R"({"Version":1,"AccessKeyId":"AKIDP","SecretAccessKey":"hidden"})";
    std::string complaint;
};

TEST_F(CredentialProcess, MayGiveKeysWithoutTokenThatNeverExpire) {
    const auto c = good();
    EXPECT_THAT(outside.commands, testing::ElementsAre("tool --password hunter2"));
    EXPECT_EQ(c.access_key_id, "AKIDP");
    EXPECT_EQ(c.secret_access_key.reveal(), "hidden");
    EXPECT_TRUE(c.session_token.empty());
    EXPECT_FALSE(c.expiration);
    EXPECT_EQ(c.account_id, "111122223333") << "the profile's";
    EXPECT_EQ(c.provider, "profile");
}

TEST_F(CredentialProcess, MayGiveAllOfIt) {
    output = R"({"Version":1,"accesskeyid":"AKIDP","SecretAccessKey":"hidden","SessionToken":"tok",)"
             R"("Expiration":"2026-11-22T14:30:00+02:00","AccountId":"444455556666","More":[1]})";
    const auto c = good();
    EXPECT_EQ(c.session_token.reveal(), "tok");
    EXPECT_EQ(c.expiration, read_rfc3339("2026-11-22T12:30:00Z"));
    EXPECT_EQ(c.account_id, "444455556666");
}

TEST_F(CredentialProcess, MaySayThatThereIsNoneOfWhatItMayLeaveOut) {
    for (const std::string none : {"null", R"("")"}) {
        output = R"({"Version":1,"AccessKeyId":"AKIDP","SecretAccessKey":"hidden","SessionToken":)" + none +
                 R"(,"Expiration":)" + none + R"(,"AccountId":)" + none + "}";
        const auto c = good();
        EXPECT_EQ(c.access_key_id, "AKIDP");
        EXPECT_TRUE(c.session_token.empty());
        EXPECT_FALSE(c.expiration);
        EXPECT_EQ(c.account_id, "111122223333") << "the profile's";
    }
    output = R"({"Version":1,"AccessKeyId":"AKIDP","SecretAccessKey":"hidden","SessionToken":null,)"
             R"("Expiration":"2026-11-22T12:30:00Z"})";
    EXPECT_EQ(good().expiration, read_rfc3339("2026-11-22T12:30:00Z"));
}

TEST_F(CredentialProcess, IsBrokenByWhatIsNotItsForm) {
    for (const auto* bad :
         {R"()",
          R"([])",
          R"({"AccessKeyId":"AKIDP","SecretAccessKey":"hidden"})",
          R"({"Version":"1","AccessKeyId":"AKIDP","SecretAccessKey":"hidden"})",
          R"({"Version":2,"AccessKeyId":"AKIDP","SecretAccessKey":"hidden"})",
          R"({"Version":1,"SecretAccessKey":"hidden"})",
          R"({"Version":1,"AccessKeyId":"AKIDP"})",
          R"({"Version":null,"AccessKeyId":"AKIDP","SecretAccessKey":"hidden"})",
          R"({"Version":1,"AccessKeyId":null,"SecretAccessKey":"hidden"})",
          R"({"Version":1,"AccessKeyId":"AKIDP","SecretAccessKey":null})",
          R"({"Version":1,"AccessKeyId":"AKIDP","SecretAccessKey":""})",
          R"({"Version":1,"AccessKeyId":"AKIDP","SecretAccessKey":"hid\nden"})",
          R"({"Version":1,"AccessKeyId":"AKIDP","accesskeyid":"AKIDQ","SecretAccessKey":"hidden"})",
          R"({"Version":1,"AccessKeyId":"AKIDP","SecretAccessKey":"hidden","SessionToken":7})",
          R"({"Version":1,"AccessKeyId":"AKIDP","SecretAccessKey":"hidden","Expiration":"soon"})",
          R"({"Version":1,"AccessKeyId":"AKIDP","SecretAccessKey":"hidden","Expiration":"2026-11-22T12:00:00Z"})"}) {
        output = bad;
        const auto text = wrong();
        EXPECT_THAT(text, HasSubstr("profile default (/h/.aws/config:2): credential_process: ")) << bad;
        EXPECT_THAT(text, Not(HasSubstr("hid"))) << bad;
        EXPECT_THAT(text, Not(HasSubstr("hunter2"))) << bad;
    }
}

TEST_F(CredentialProcess, FailsWithWhatStandsOnStandardErrorAndNothingElse) {
    status = 3;
    complaint = "no such role\nlog in\x1b[31m again\n";
    const auto text = wrong();
    EXPECT_THAT(text, HasSubstr("status 3: no such role log in?[31m again"));
    EXPECT_THAT(text, Not(HasSubstr("hidden")));
    EXPECT_THAT(text, Not(HasSubstr("hunter2")));
    complaint = std::string(4000, 'x');
    EXPECT_LT(wrong().size(), 500U);
    complaint = "";
    EXPECT_THAT(wrong(), HasSubstr("nothing on standard error"));
}

TEST_F(CredentialProcess, IsToldOfAnOutputInUtf16) {
    const std::string text = output;
    for (const std::string mark : {"\xff\xfe", ""}) {
        output = mark;
        for (const char c : text)
            output += std::string{c, '\0'};
        EXPECT_THAT(wrong(), HasSubstr("credential_process: its output is UTF-16 (little-endian)"));
    }
    output = "\xef\xbb\xbf" + text;
    EXPECT_THAT(wrong(), HasSubstr("its output is UTF-8 with a byte order mark: it must be plain UTF-8"));
}

TEST_F(CredentialProcess, FailsWhereItCannotBeRun) {
    outside.execute = nullptr;
    EXPECT_THAT(wrong(), HasSubstr("credential_process: it could not be started"));
}

TEST_F(CredentialProcess, IsSeenWithoutItsText) {
    EXPECT_THAT(seen(), HasSubstr("credential_process (/h/.aws/config:2): a command"));
    EXPECT_THAT(seen(), Not(HasSubstr("tool")));
    EXPECT_TRUE(outside.commands.empty()) << "nothing is run for it";
}

TEST_F(CredentialProcess, MayBeTheSourceOfARole) {
    config() = "[default]\nrole_arn = arn:a\nsource_profile = p\n[profile p]\ncredential_process = tool\n";
    outside.respond = [](const http_ask&) { return tests::reply(403, "<ErrorResponse/>"); };
    wrong();
    ASSERT_EQ(outside.asked.size(), 1U);
    http_reply sent;
    sent.fields = outside.asked[0].fields;
    EXPECT_THAT(std::string(sent.field("Authorization")), HasSubstr("Credential=AKIDP/"));
}

} // namespace
} // namespace countersign::chain
