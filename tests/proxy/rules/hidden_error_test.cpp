#include "proxy/rules/hidden_error.hpp"

#include <gtest/gtest.h>

#include <string>

namespace countersign::proxy {
namespace hidden_error_test {

TEST(HiddenError, SeesTheRootAsSoonAsItIsThere) {
    for (const std::string& before :
         {std::string(),
          std::string("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\r\n   \t"),
          std::string("\xEF\xBB\xBF<?xml version='1.0'?>"),
          std::string("  <!-- <Error> --> ")}) {
        for (const char* root : {"<Error>", "<Error/", "<Error ", "<Error\n"}) {
            const std::string text = before + root;
            EXPECT_EQ(root_of(text), xml_root::error) << text;
            for (std::size_t n = 0; n < text.size() - 1; ++n) {
                EXPECT_NE(root_of(text.substr(0, n)), xml_root::error) << text.substr(0, n);
            }
        }
        EXPECT_EQ(root_of(before), xml_root::unknown) << before;
        EXPECT_EQ(root_of(before + "<"), xml_root::unknown) << before;
        EXPECT_EQ(root_of(before + "<Error"), xml_root::unknown) << before;
    }
}

TEST(HiddenError, TakesNothingElseForAnError) {
    for (const char* text :
         {"<CopyObjectResult>",
          "<Errors>",
          "<ErrorResponse>",
          "<E>",
          "<error>",
          "<!DOCTYPE Error>",
          "Error",
          "{",
          "<x:Error>"}) {
        EXPECT_EQ(root_of(text), xml_root::other) << text;
    }
}

struct asked {
    std::string_view method, query;
    std::string_view field_name = "accept";
    unsigned status = 200;
    answer_framing framing = answer_framing::chunked;
};

bool may_hide(const asked& a, signer::path_rule rule = signer::path_rule::s3) {
    answer reply;
    reply.head.status = a.status;
    reply.framing = a.framing;
    plan where;
    where.traits.path = rule;
    const field fields[]{{"content-type", "x"}, {a.field_name, "/b/k"}};
    return may_hide_error(reply, where, a.method, a.query, fields);
}

TEST(HiddenError, IsLookedForWhereS3HidesThem) {
    const std::string_view source = "X-Amz-Copy-Source";
    EXPECT_TRUE(may_hide({"POST", "uploadId=u"}));
    EXPECT_TRUE(may_hide({"POST", "x-id=CompleteMultipartUpload&uploadId=u"}));
    EXPECT_TRUE(may_hide({"PUT", "", source}));
    EXPECT_TRUE(may_hide({"PUT", "partNumber=1&uploadId=u", source}));
    EXPECT_FALSE(may_hide({"PUT", "partNumber=1&uploadId=u"}));
    EXPECT_FALSE(may_hide({"POST", "uploads"}));
    EXPECT_FALSE(may_hide({"POST", "x=uploadId"}));
    EXPECT_FALSE(may_hide({"GET", "uploadId=u", source}));
    EXPECT_FALSE(may_hide({"POST", "uploadId=u", "accept", 204}));
    EXPECT_FALSE(may_hide({"POST", "uploadId=u", "accept", 200, answer_framing::none}));
    EXPECT_FALSE(may_hide({"POST", "uploadId=u"}, signer::path_rule::standard));
}

} // namespace hidden_error_test
} // namespace countersign::proxy
