#include "chain/credentials_file.hpp"

#include <gtest/gtest.h>

#include <string>

namespace countersign::chain {
namespace credentials_file_test {

credentials session() {
    credentials c;
    c.access_key_id = "ASIANEW";
    c.secret_access_key = secret("new/secret+");
    c.session_token = secret("new-token==");
    return c;
}

std::string saved(std::string_view text, std::string_view profile = "mfa") {
    const auto wrong = trouble_with_saving({"config", ""}, {"credentials", text}, profile);
    EXPECT_FALSE(wrong) << wrong->detail;
    return std::string(with_profile(text, profile, session()).reveal());
}

std::string refused(std::string_view text, std::string_view config = "", std::string_view profile = "mfa") {
    const auto wrong = trouble_with_saving({"config", config}, {"credentials", text}, profile);
    return wrong ? wrong->detail : "not refused";
}

constexpr const char* new_keys = "aws_access_key_id = ASIANEW\naws_secret_access_key = new/secret+\n"
                                 "aws_session_token = new-token==\n";

TEST(CredentialsFile, IsBegunWhereThereIsNone) {
    EXPECT_EQ(saved(""), std::string("[mfa]\n") + new_keys);
}

TEST(CredentialsFile, GetsANewProfileAtItsEnd) {
    const std::string text = "# mine\n\n[default]\naws_access_key_id=AKIAOLD # a\naws_secret_access_key=old\n";
    EXPECT_EQ(saved(text), text + "\n[mfa]\n" + new_keys);
}

TEST(CredentialsFile, EndsItsLastLineBeforeANewProfile) {
    EXPECT_EQ(saved("[a]\nregion = x"), std::string("[a]\nregion = x\n\n[mfa]\n") + new_keys);
}

TEST(CredentialsFile, EndsALineThatIsHalfEnded) {
    EXPECT_EQ(saved("[a]\nregion = x\r"), std::string("[a]\nregion = x\r\n\n[mfa]\n") + new_keys);
}

TEST(CredentialsFile, KeepsLineEndsOfWindows) {
    EXPECT_EQ(
        saved("[a]\r\nregion = x\r\n"),
        "[a]\r\nregion = x\r\n\r\n[mfa]\r\naws_access_key_id = ASIANEW\r\naws_secret_access_key = new/secret+\r\n"
        "aws_session_token = new-token==\r\n"
    );
    EXPECT_EQ(
        saved("[mfa]\r\naws_access_key_id=A\r\naws_secret_access_key=b\r\naws_session_token=c"),
        "[mfa]\r\naws_access_key_id=ASIANEW\r\naws_secret_access_key=new/secret+\r\naws_session_token=new-token=="
    );
}

TEST(CredentialsFile, ReplacesValuesWhereTheyStand) {
    EXPECT_EQ(
        saved("; top\n[ mfa ] # by hand\nAWS_Session_Token =\told ; short\nregion = eu-west-1\n"
              "aws_access_key_id=OLD\n# between\naws_secret_access_key  =  x = y  \n\n[z]\naws_session_token = z\n"),
        "; top\n[ mfa ] # by hand\nAWS_Session_Token =\tnew-token== ; short\nregion = eu-west-1\n"
        "aws_access_key_id=ASIANEW\n# between\naws_secret_access_key  =  new/secret+  \n\n[z]\naws_session_token = z\n"
    );
}

TEST(CredentialsFile, FillsWhatIsEmptyOrMissing) {
    EXPECT_EQ(
        saved("[mfa]\naws_secret_access_key = # none\naws_session_token=\nregion = r\n[z]\n"),
        "[mfa]\naws_access_key_id = ASIANEW\naws_secret_access_key = new/secret+ # none\n"
        "aws_session_token= new-token==\nregion = r\n[z]\n"
    );
    EXPECT_EQ(saved("[z]\n[mfa]"), std::string("[z]\n[mfa]\n") + new_keys);
    EXPECT_EQ(saved("[mfa]\n\n# c\n[z]\n"), std::string("[mfa]\n") + new_keys + "\n# c\n[z]\n");
}

TEST(CredentialsFile, TakesOutRepetitionsAndContinuations) {
    EXPECT_EQ(
        saved("[mfa]\naws_access_key_id = A\n  more\n# stays\n  and more\naws_secret_access_key = b\n"
              "aws_session_token = c\naws_account_id = 1\n[z]\ns3 =\n  aws_access_key_id = n\n"
              "[mfa]\naws_access_key_id = A\n  more\n  and more\nx = 1\n  two\n"),
        "[mfa]\naws_access_key_id = ASIANEW\n# stays\naws_secret_access_key = new/secret+\n"
        "aws_session_token = new-token==\n[z]\ns3 =\n  aws_access_key_id = n\n[mfa]\nx = 1\n  two\n"
    );
}

TEST(CredentialsFile, IsReadByTheGrammarOfTheOthers) {
    EXPECT_EQ(
        saved(
            "[mfa] by hand\n  aws_access_key_id: A\n  aws_secret_access_key : b # c\n\t# deep\n  aws_session_token=t\n"
        ),
        "[mfa] by hand\n  aws_access_key_id: ASIANEW\n  aws_secret_access_key : new/secret+ # c\n\t# deep\n"
        "  aws_session_token=new-token==\n"
    );
    // What is put in front of an indented line must not be continued by it.
    EXPECT_EQ(
        saved("[mfa]\n# c\n    region = x\n"),
        "[mfa]\n    aws_access_key_id = ASIANEW\n    aws_secret_access_key = new/secret+\n"
        "    aws_session_token = new-token==\n# c\n    region = x\n"
    );
    EXPECT_EQ(
        saved("[mfa]\naws_access_key_id=A\naws_secret_access_key=b\naws_security_token=t\n"),
        "[mfa]\naws_session_token = new-token==\naws_access_key_id=ASIANEW\naws_secret_access_key=new/secret+\n"
    );
}

TEST(CredentialsFile, SaysTheAccountWhereItIsKnown) {
    auto keys = session();
    keys.account_id = "123456789012";
    EXPECT_EQ(
        with_profile("[mfa]\naws_account_id = 1\n", "mfa", keys).reveal(),
        std::string("[mfa]\n") + new_keys + "aws_account_id = 123456789012\n"
    );
}

TEST(CredentialsFile, SavingTwiceLeavesOneProfile) {
    const std::string once = saved("[a]\nregion = x\n");
    EXPECT_EQ(saved(once), once);
}

TEST(CredentialsFile, SavesNothingForEverybody) {
    EXPECT_NE(refused("", "", "DEFAULT").find("DEFAULT is no profile"), std::string::npos);
}

TEST(CredentialsFile, NeverLosesLongLivedKeys) {
    for (const char* text :
         {"[mfa]\naws_access_key_id = AKIA\naws_secret_access_key = s\n",
          "[mfa]\naws_secret_access_key = s\n",
          "[mfa]\naws_access_key_id = AKIA\naws_secret_access_key = s\naws_session_token =\n",
          "[mfa]\nregion = x\n[z]\n[mfa]\naws_access_key_id = AKIA\naws_secret_access_key = s\n"})
        EXPECT_NE(refused(text).find("long-lived keys (credentials:"), std::string::npos) << text;
    EXPECT_NE(
        refused("", "[profile mfa]\naws_access_key_id = AKIA\naws_secret_access_key = s\n").find("(config:3"),
        std::string::npos
    );
    // A token in the other file is not proof.
    EXPECT_NE(
        refused(
            "[mfa]\naws_session_token = t\n", "[profile mfa]\naws_access_key_id = AKIA\naws_secret_access_key = s\n"
        )
            .find("long-lived"),
        std::string::npos
    );
}

TEST(CredentialsFile, RefusesAProfileWhoseKeysWouldNotBeUsed) {
    EXPECT_NE(
        refused("", "[profile mfa]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = a\n[profile a]\n")
            .find("mfa has"),
        std::string::npos
    );
    EXPECT_NE(refused("[mfa]\ncredential_process = x\n").find("credentials:"), std::string::npos);
}

TEST(CredentialsFile, RefusesWhatItCannotRead) {
    EXPECT_NE(refused("[mfa\n").find("credentials:1"), std::string::npos);
    EXPECT_NE(refused("", "nonsense\n").find("config:1"), std::string::npos);
    for (const char* name : {"", "a b", "a]", "a\nb", "\xc3\xa4", "profile x"})
        EXPECT_NE(refused("", "", name).find("no name for a profile"), std::string::npos) << name;
}

} // namespace credentials_file_test
} // namespace countersign::chain
