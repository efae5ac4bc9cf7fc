#include "chain/answer.hpp"
#include "chain/rfc3339.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace answer_test {

constexpr const char* good =
    R"({"AccessKeyId":"AKID","SecretAccessKey":"S","Token":"T","Expiration":"2026-11-22T00:35:06Z","AccountId":"1"})";

TEST(Answer, BecomesCredentials) {
    const auto c = read_answer(good, "container");
    ASSERT_TRUE(c) << c.error().detail;
    EXPECT_EQ(c->access_key_id, "AKID");
    EXPECT_EQ(c->secret_access_key.reveal(), "S");
    EXPECT_EQ(c->session_token.reveal(), "T");
    EXPECT_EQ(c->account_id, "1");
    EXPECT_EQ(c->provider, "container");
    EXPECT_EQ(write_rfc3339(*c->expiration), "2026-11-22T00:35:06Z");
}

TEST(Answer, MayNameItsFieldsInAnyCase) {
    EXPECT_TRUE(read_answer(
        R"({"accesskeyid":"A","SECRETACCESSKEY":"S","token":"T","expiration":"2026-11-22T00:35:06Z","x":[1]})", "imds"
    ));
}

TEST(Answer, IsRefusedWhenAnyFieldIsMissingMistypedOrUnfit) {
    struct row {
        std::string_view from, to;
    };
    for (const row& r : {
             row{R"("AccessKeyId":"AKID",)", ""},
             row{R"("SecretAccessKey":"S",)", ""},
             row{R"("Token":"T",)", ""},
             row{R"("Expiration":"2026-11-22T00:35:06Z",)", ""},
             row{R"("AKID")", "7"},
             row{R"("AKID")", "null"},
             row{R"("AKID")", R"(["AKID"])"},
             row{R"("AKID")", R"("")"},
             row{R"("AKID")", R"("AK ID")"},
             row{R"("AKID")", R"("AKID\r\nX-Evil: 1")"},
             row{R"("S")", R"("S\u0000")"},
             row{R"("S")", R"("\u00e4")"},
             row{R"("T")", R"("T\n")"},
             row{R"("T")", "true"},
             row{R"("2026-11-22T00:35:06Z")", "1795307706"},
             row{R"("2026-11-22T00:35:06Z")", R"("tomorrow")"},
             row{R"("2026-11-22T00:35:06Z")", R"("2026-11-22 00:35:06")"},
             row{R"("1")", "1"},
             row{R"("AccountId":"1")", R"("accesskeyid":"OTHER")"},
         }) {
        std::string text = good;
        const auto at = text.find(r.from);
        ASSERT_NE(at, std::string::npos) << r.from;
        text.replace(at, r.from.size(), r.to);
        const auto c = read_answer(text, "container");
        ASSERT_FALSE(c) << text;
        EXPECT_FALSE(c.error().retryable) << text;
    }
}

std::string good_with(std::string_view from, std::string_view to) {
    std::string text = good;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

// As botocore takes them: its token is None or "", and nothing is sent for it.
TEST(Answer, MaySayThatThereIsNoTokenNoEndAndNoAccount) {
    for (const auto* none : {"null", R"("")"}) {
        for (const auto* provider : {"container", "imds"}) {
            const auto no_token = read_answer(good_with(R"("T")", none), provider);
            ASSERT_TRUE(no_token) << no_token.error().detail;
            EXPECT_TRUE(no_token->session_token.empty());
            EXPECT_TRUE(no_token->expiration);
            const auto no_end = read_answer(good_with(R"("2026-11-22T00:35:06Z")", none), provider);
            ASSERT_TRUE(no_end) << no_end.error().detail;
            EXPECT_FALSE(no_end->expiration);
            EXPECT_EQ(no_end->session_token.reveal(), "T");
            const auto no_account = read_answer(good_with(R"("1")", none), provider);
            ASSERT_TRUE(no_account) << no_account.error().detail;
            EXPECT_EQ(no_account->account_id, "");
            EXPECT_TRUE(read_answer(good_with("{", std::string(R"({"Code":)") + none + ","), provider));
        }
    }
}

TEST(Answer, KeepsAnEndThatTheClockCannotCountTo) {
    const auto c = read_answer(good_with("2026-11-22T00:35:06Z", "3025-09-14T04:05:45Z"), "container");
    ASSERT_TRUE(c) << c.error().detail;
    EXPECT_EQ(c->stated_end, "3025-09-14T04:05:45Z");
    EXPECT_EQ(c->expiration, latest_time);
    EXPECT_EQ(read_answer(good, "container")->stated_end, "");
}

TEST(Answer, SaysOfAMissingKeyHowItIsMissing) {
    EXPECT_EQ(read_answer(good_with(R"("AKID")", "null"), "x").error().detail, "AccessKeyId in the answer is null");
    EXPECT_EQ(read_answer(good_with(R"("S")", "null"), "x").error().detail, "SecretAccessKey in the answer is null");
    EXPECT_EQ(
        read_answer(good_with(R"("S")", R"("")"), "x").error().detail,
        "SecretAccessKey in the answer is empty or has blanks, control or non-ASCII characters"
    );
    EXPECT_EQ(
        read_answer(good_with(R"("SecretAccessKey":"S",)", ""), "x").error().detail,
        "the answer has no SecretAccessKey that is a string"
    );
}

TEST(Answer, IsWorthAnotherTryWhenItIsNoJson) {
    for (const std::string_view text :
         {"", "<html>", "{", "[]", "\"x\"", "{}x", R"({"AccessKeyId":"A",})", "[[[[[[[[[[[[1]]]]]]]]]]]]"}) {
        const auto c = read_answer(text, "container");
        ASSERT_FALSE(c) << text;
        EXPECT_TRUE(c.error().retryable) << text;
    }
}

TEST(Answer, OfAnErrorNamesCodeAndMessageWithoutControlBytes) {
    const auto c = read_answer("{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"no\\r\\ntrust\"}", "imds");
    ASSERT_FALSE(c);
    EXPECT_EQ(c.error().detail, "the endpoint answered AssumeRoleUnauthorizedAccess: no??trust");
}

TEST(Answer, NeverPutsAKeyIntoAFailure) {
    const auto c = read_answer(R"({"AccessKeyId":"AKID","SecretAccessKey":"wJalr X","Token":"T"})", "imds");
    ASSERT_FALSE(c);
    EXPECT_EQ(c.error().detail.find("wJalr"), std::string::npos);
}

TEST(Rfc3339, ReadsDates) {
    struct row {
        std::string_view text, utc;
    };
    for (const row& r : {
             row{"2026-11-22T00:35:06Z", "2026-11-22T00:35:06Z"},
             row{"2026-11-22t00:35:06z", "2026-11-22T00:35:06Z"},
             row{"2026-11-22T00:35:06.123456789Z", "2026-11-22T00:35:06Z"},
             row{"2026-11-22T00:35:06+01:30", "2026-11-21T23:05:06Z"},
             row{"2026-11-22T00:35:06-01:30", "2026-11-22T02:05:06Z"},
             row{"2024-02-29T23:59:60Z", "2024-03-01T00:00:00Z"},
             row{"9999-12-31T23:59:59Z", "2261-12-31T23:59:59Z"},
         }) {
        const auto time = read_rfc3339(r.text);
        ASSERT_TRUE(time) << r.text;
        EXPECT_EQ(write_rfc3339(*time), r.utc) << r.text;
    }
}

TEST(Rfc3339, RefusesEverythingElse) {
    for (const std::string_view text :
         {"",
          "2026-11-22",
          "2026-11-22T00:35:06",
          "2026-11-22 00:35:06Z",
          "2026-11-22T00:35Z",
          "2026-02-29T00:00:00Z",
          "2026-13-01T00:00:00Z",
          "2026-00-01T00:00:00Z",
          "2026-11-22T24:00:00Z",
          "2026-11-22T00:60:00Z",
          "2026-11-22T00:00:61Z",
          "2026-11-22T00:35:06.Z",
          "2026-11-22T00:35:06.1",
          "2026-11-22T00:35:06Zx",
          "2026-11-22T00:35:06+0100",
          "2026-11-22T00:35:06+24:00",
          " 2026-11-22T00:35:06Z",
          "-026-11-22T00:35:06Z",
          "0000-11-22T00:35:06Z",
          "1795307706"})
        EXPECT_FALSE(read_rfc3339(text)) << text;
}

} // namespace answer_test
} // namespace countersign::chain
