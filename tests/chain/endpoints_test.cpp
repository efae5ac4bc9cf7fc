#include "chain/endpoints.hpp"
#include "tests/support/fake_world.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace endpoints_test {

struct Endpoints : testing::Test {
    result<service_address> ask(aws_service service, std::string_view region = "eu-west-1") {
        auto merged = merge_profiles({"config", config}, {"credentials", ""});
        EXPECT_TRUE(merged) << merged.error().detail;
        set = *std::move(merged);
        return address_of(service, region, outside, set, set.find("a"));
    }
    std::string url(aws_service service) {
        const auto found = ask(service);
        return found ? found->url : "failed: " + found.error().detail;
    }

    boost::asio::io_context on{1};
    tests::fake_world outside{on};
    std::string config;
    profile_set set;
};

TEST_F(Endpoints, FollowTheRuleSetsOfAws) {
    struct row {
        aws_service service;
        const char* region;
        bool fips, dual_stack;
        const char* url;
    };
    // botocore 1.43.11: EndpointProvider.resolve_endpoint over endpoint-rule-set-1.json of each service.
    for (const row& r : {
             row{aws_service::sts, "eu-west-1", false, false, "https://sts.eu-west-1.amazonaws.com"},
             row{aws_service::sts, "eu-west-1", false, true, "https://sts.eu-west-1.api.aws"},
             row{aws_service::sts, "eu-west-1", true, false, "https://sts-fips.eu-west-1.amazonaws.com"},
             row{aws_service::sts, "eu-west-1", true, true, "https://sts-fips.eu-west-1.api.aws"},
             row{aws_service::sts, "cn-north-1", false, false, "https://sts.cn-north-1.amazonaws.com.cn"},
             row{aws_service::sts,
                 "cn-north-1",
                 true,
                 true,
                 "https://sts-fips.cn-north-1.api.amazonwebservices.com.cn"},
             row{aws_service::sts, "us-gov-west-1", false, false, "https://sts.us-gov-west-1.amazonaws.com"},
             row{aws_service::sts, "us-gov-west-1", false, true, "https://sts.us-gov-west-1.api.aws"},
             row{aws_service::sts, "us-gov-west-1", true, false, "https://sts.us-gov-west-1.amazonaws.com"},
             row{aws_service::sts, "us-gov-west-1", true, true, "https://sts-fips.us-gov-west-1.api.aws"},
             row{aws_service::sts, "us-iso-east-1", false, false, "https://sts.us-iso-east-1.c2s.ic.gov"},
             row{aws_service::sts, "us-iso-east-1", true, true, "https://sts-fips.us-iso-east-1.api.aws.ic.gov"},
             row{aws_service::sts, "eusc-de-east-1", false, false, "https://sts.eusc-de-east-1.amazonaws.eu"},
             row{aws_service::sts,
                 "eusc-de-east-1",
                 true,
                 true,
                 "https://sts-fips.eusc-de-east-1.api.amazonwebservices.eu"},
             row{aws_service::sso, "eu-west-1", false, false, "https://portal.sso.eu-west-1.amazonaws.com"},
             row{aws_service::sso, "eu-west-1", false, true, "https://portal.sso.eu-west-1.api.aws"},
             row{aws_service::sso, "eu-west-1", true, false, "https://portal.sso-fips.eu-west-1.amazonaws.com"},
             row{aws_service::sso, "eu-west-1", true, true, "https://portal.sso-fips.eu-west-1.api.aws"},
             row{aws_service::sso, "cn-north-1", false, false, "https://portal.sso.cn-north-1.amazonaws.com.cn"},
             row{aws_service::sso,
                 "cn-north-1",
                 true,
                 true,
                 "https://portal.sso-fips.cn-north-1.api.amazonwebservices.com.cn"},
             row{aws_service::sso, "us-gov-west-1", false, false, "https://portal.sso.us-gov-west-1.amazonaws.com"},
             row{aws_service::sso, "us-gov-west-1", false, true, "https://portal.sso.us-gov-west-1.api.aws"},
             row{aws_service::sso, "us-gov-west-1", true, false, "https://portal.sso.us-gov-west-1.amazonaws.com"},
             row{aws_service::sso, "us-gov-west-1", true, true, "https://portal.sso-fips.us-gov-west-1.api.aws"},
             row{aws_service::sso, "us-iso-east-1", false, false, "https://portal.sso.us-iso-east-1.c2s.ic.gov"},
             row{aws_service::sso, "us-iso-east-1", true, true, "https://portal.sso-fips.us-iso-east-1.api.aws.ic.gov"},
             row{aws_service::sso, "eusc-de-east-1", false, false, "https://portal.sso.eusc-de-east-1.amazonaws.eu"},
             row{aws_service::sso,
                 "eusc-de-east-1",
                 true,
                 true,
                 "https://portal.sso-fips.eusc-de-east-1.api.amazonwebservices.eu"},
             row{aws_service::oidc, "eu-west-1", false, false, "https://oidc.eu-west-1.amazonaws.com"},
             row{aws_service::oidc, "eu-west-1", false, true, "https://oidc.eu-west-1.api.aws"},
             row{aws_service::oidc, "eu-west-1", true, false, "https://oidc-fips.eu-west-1.amazonaws.com"},
             row{aws_service::oidc, "eu-west-1", true, true, "https://oidc-fips.eu-west-1.api.aws"},
             row{aws_service::oidc, "cn-north-1", false, false, "https://oidc.cn-north-1.amazonaws.com.cn"},
             row{aws_service::oidc,
                 "cn-north-1",
                 true,
                 true,
                 "https://oidc-fips.cn-north-1.api.amazonwebservices.com.cn"},
             row{aws_service::oidc, "us-gov-west-1", false, false, "https://oidc.us-gov-west-1.amazonaws.com"},
             row{aws_service::oidc, "us-gov-west-1", false, true, "https://oidc.us-gov-west-1.api.aws"},
             row{aws_service::oidc, "us-gov-west-1", true, false, "https://oidc.us-gov-west-1.amazonaws.com"},
             row{aws_service::oidc, "us-gov-west-1", true, true, "https://oidc-fips.us-gov-west-1.api.aws"},
             row{aws_service::oidc, "us-iso-east-1", false, false, "https://oidc.us-iso-east-1.c2s.ic.gov"},
             row{aws_service::oidc, "us-iso-east-1", true, true, "https://oidc-fips.us-iso-east-1.api.aws.ic.gov"},
             row{aws_service::oidc, "eusc-de-east-1", false, false, "https://oidc.eusc-de-east-1.amazonaws.eu"},
             row{aws_service::oidc,
                 "eusc-de-east-1",
                 true,
                 true,
                 "https://oidc-fips.eusc-de-east-1.api.amazonwebservices.eu"},
             row{aws_service::signin, "eu-west-1", false, false, "https://eu-west-1.signin.aws.amazon.com"},
             row{aws_service::signin, "eu-west-1", false, true, "https://signin.eu-west-1.api.aws"},
             row{aws_service::signin, "eu-west-1", true, false, "https://signin-fips.eu-west-1.amazonaws.com"},
             row{aws_service::signin, "eu-west-1", true, true, "https://signin-fips.eu-west-1.api.aws"},
             row{aws_service::signin, "cn-north-1", false, false, "https://cn-north-1.signin.amazonaws.cn"},
             row{aws_service::signin, "cn-north-1", true, false, "https://signin-fips.cn-north-1.amazonaws.com.cn"},
             row{aws_service::signin,
                 "cn-north-1",
                 true,
                 true,
                 "https://signin-fips.cn-north-1.api.amazonwebservices.com.cn"},
             row{aws_service::signin,
                 "us-gov-west-1",
                 false,
                 false,
                 "https://us-gov-west-1.signin.amazonaws-us-gov.com"},
             row{aws_service::signin, "us-gov-west-1", false, true, "https://signin.us-gov-west-1.api.aws"},
             row{aws_service::signin, "us-gov-west-1", true, false, "https://signin-fips.us-gov-west-1.amazonaws.com"},
             row{aws_service::signin, "us-gov-west-1", true, true, "https://signin-fips.us-gov-west-1.api.aws"},
             row{aws_service::signin, "us-iso-east-1", false, false, "https://signin.us-iso-east-1.c2s.ic.gov"},
             row{aws_service::signin, "us-iso-east-1", true, false, "https://signin-fips.us-iso-east-1.c2s.ic.gov"},
             row{aws_service::signin, "us-iso-east-1", true, true, "https://signin-fips.us-iso-east-1.api.aws.ic.gov"},
             row{aws_service::signin, "eusc-de-east-1", false, false, "https://signin.eusc-de-east-1.amazonaws.eu"},
             row{aws_service::signin, "eusc-de-east-1", true, false, "https://signin-fips.eusc-de-east-1.amazonaws.eu"},
             row{aws_service::signin,
                 "eusc-de-east-1",
                 true,
                 true,
                 "https://signin-fips.eusc-de-east-1.api.amazonwebservices.eu"},
         }) {
        outside.variables["AWS_USE_FIPS_ENDPOINT"] = r.fips ? "true" : "false";
        outside.variables["AWS_USE_DUALSTACK_ENDPOINT"] = r.dual_stack ? "TRUE" : "";
        const auto found = ask(r.service, r.region);
        ASSERT_TRUE(found) << found.error().detail;
        EXPECT_EQ(found->url, r.url);
        EXPECT_FALSE(found->is_custom);
        EXPECT_EQ(found->origin, std::string("region ") + r.region);
    }
}

TEST_F(Endpoints, AreConfiguredInFourPlaces) {
    config = "[profile a]\nendpoint_url = http://profile/\nservices = s\n"
             "[services s]\nsts =\n  endpoint_url = http://section/sub/\nsso =\n  other = x\n";
    outside.variables["AWS_ENDPOINT_URL"] = "http://all:4566/";
    outside.variables["AWS_ENDPOINT_URL_STS"] = "http://sts";
    EXPECT_EQ(url(aws_service::sts), "http://sts");
    EXPECT_EQ(ask(aws_service::sts)->origin, "AWS_ENDPOINT_URL_STS");
    EXPECT_TRUE(ask(aws_service::sts)->is_custom);
    EXPECT_EQ(url(aws_service::sso), "http://all:4566");
    outside.variables.clear();
    EXPECT_EQ(url(aws_service::sts), "http://section/sub");
    EXPECT_EQ(ask(aws_service::sts)->origin, "services s, sts (config:5)");
    EXPECT_EQ(url(aws_service::sso), "http://profile");
    EXPECT_EQ(ask(aws_service::sso)->origin, "profile a (config:2)");
}

TEST_F(Endpoints, KnowBothSpellingsOfSsoOidc) {
    for (const auto* name : {"sso_oidc", "sso-oidc"}) {
        config = std::string("[profile a]\nservices = s\n[services s]\n") + name + " =\n  endpoint_url = http://o\n";
        EXPECT_EQ(url(aws_service::oidc), "http://o") << name;
    }
    outside.variables["AWS_ENDPOINT_URL_SSO_OIDC"] = "http://v";
    EXPECT_EQ(url(aws_service::oidc), "http://v");
    outside.variables["AWS_ENDPOINT_URL_SIGNIN"] = "http://in";
    EXPECT_EQ(url(aws_service::signin), "http://in");
}

TEST_F(Endpoints, CanBeSwitchedOffAsConfigured) {
    outside.variables["AWS_ENDPOINT_URL"] = "http://all";
    config = "[profile a]\nignore_configured_endpoint_urls = True\n";
    EXPECT_EQ(url(aws_service::sts), "https://sts.eu-west-1.amazonaws.com");
    outside.variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "false";
    EXPECT_EQ(url(aws_service::sts), "http://all") << "the variable comes before the profile";
}

TEST_F(Endpoints, PassOverWhatIsNoUrlAndSaySo) {
    for (const auto* bad : {"sts.example", "ftp://x", "http://", "http://u:p@x", "http://x/?y=1", "http://x/#y"}) {
        outside.variables["AWS_ENDPOINT_URL_STS"] = bad;
        const auto found = ask(aws_service::sts);
        ASSERT_TRUE(found) << bad;
        EXPECT_EQ(found->url, "https://sts.eu-west-1.amazonaws.com") << bad;
        ASSERT_EQ(found->ignored.size(), 1u) << bad;
        EXPECT_TRUE(found->ignored[0].starts_with("AWS_ENDPOINT_URL_STS: ")) << found->ignored[0];
    }
}

TEST_F(Endpoints, TakeSwitchesFromTheVariableBeforeTheProfile) {
    config = "[profile a]\nuse_fips_endpoint = true\nuse_dualstack_endpoint = true\n";
    EXPECT_EQ(url(aws_service::sts), "https://sts-fips.eu-west-1.api.aws");
    outside.variables["AWS_USE_FIPS_ENDPOINT"] = "false";
    EXPECT_EQ(url(aws_service::sts), "https://sts.eu-west-1.api.aws");
    outside.variables["AWS_USE_FIPS_ENDPOINT"] = "yes";
    EXPECT_EQ(url(aws_service::sts), "failed: AWS_USE_FIPS_ENDPOINT is yes: it must be true or false");
    outside.variables.clear();
    config = "[profile a]\nuse_fips_endpoint = 1\n";
    EXPECT_EQ(url(aws_service::sts), "failed: use_fips_endpoint (config:2) is 1: it must be true or false");
}

TEST_F(Endpoints, RefuseFipsAndDualStackBesideAConfiguredAddress) {
    outside.variables["AWS_ENDPOINT_URL"] = "http://all";
    for (const auto* variable : {"AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"}) {
        outside.variables[variable] = "true";
        const auto found = ask(aws_service::sts);
        ASSERT_FALSE(found);
        EXPECT_NE(found.error().detail.find(variable), std::string::npos) << found.error().detail;
        outside.variables.erase(variable);
    }
}

} // namespace endpoints_test
} // namespace countersign::chain
