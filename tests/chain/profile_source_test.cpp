// A profile as a source: the plan carried out against a whole machine.
#include "chain/provider.hpp"
#include "tests/support/fake_world.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/sts_ask.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace profile_source_test {

using namespace std::chrono_literals;

constexpr const char* config_path = "/h/.aws/config";
const std::string base = "[profile base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = S\n";

struct ProfileRoles : testing::Test {
    ProfileRoles() {
        outside.variables = {{"HOME", "/h"}, {"AWS_REGION", "eu-west-1"}};
        // STS gives ASIA1, ASIA2, ... ; the endpoints of container and instance give keys of their own.
        outside.respond = [this](const http_ask& a) -> http_result {
            if (a.method == "POST") {
                const auto id = "ASIA" + std::to_string(++calls);
                return tests::reply(200, tests::sts_xml(tests::form_in(a)["Action"], id, outside.time + 1h));
            }
            if (a.method == "PUT")
                return tests::reply(200, "tok");
            if (a.url.ends_with("/security-credentials/"))
                return tests::reply(200, "role");
            return tests::reply(200, tests::credential_json("AKIDNET", outside.time + 1h));
        };
    }
    answer fetch() { return tests::run_task(on, source->fetch(outside)); }
    credentials good(std::string config) {
        outside.files[config_path] = std::move(config);
        auto a = fetch();
        if (const auto* wrong = std::get_if<failure>(&a))
            ADD_FAILURE() << wrong->detail;
        auto* c = std::get_if<credentials>(&a);
        EXPECT_TRUE(c);
        return c ? *c : credentials{};
    }
    std::string wrong(std::string config) {
        outside.files[config_path] = std::move(config);
        const auto a = fetch();
        const auto* broken = std::get_if<failure>(&a);
        EXPECT_TRUE(broken);
        return broken ? broken->detail : "";
    }
    std::string seen() {
        std::string lines;
        for (const auto& line : source->look(outside).seen)
            lines += line + "\n";
        return lines;
    }

    boost::asio::io_context on{1};
    tests::fake_world outside{on};
    std::unique_ptr<provider> source = profile_source({});
    int calls = 0;
};

TEST_F(ProfileRoles, AreAssumedForwardsEachWithTheKeysBefore) {
    const auto c = good(
        "[default]\nrole_arn = arn:a\nsource_profile = b\n[profile b]\nrole_arn = arn:b\nsource_profile = base\n" + base
    );
    EXPECT_EQ(c.access_key_id, "ASIA2");
    EXPECT_EQ(c.provider, "profile");
    EXPECT_EQ(c.account_id, "123456789012");
    ASSERT_EQ(outside.asked.size(), 2u);
    credentials before;
    before.access_key_id = "AKIDBASE";
    before.secret_access_key = secret("S");
    EXPECT_EQ(tests::form_in(outside.asked[0])["RoleArn"], "arn:b");
    EXPECT_EQ(tests::verify_ask(outside.asked[0], before, outside.time).what, signer::mismatch::none);
    before.access_key_id = "ASIA1";
    before.secret_access_key = secret("secret-of-ASIA1");
    before.session_token = secret("token-of-ASIA1");
    EXPECT_EQ(tests::form_in(outside.asked[1])["RoleArn"], "arn:a");
    EXPECT_EQ(tests::verify_ask(outside.asked[1], before, outside.time).what, signer::mismatch::none);
}

TEST_F(ProfileRoles, BeginWithTheNamedSource) {
    const std::string role = "[default]\nrole_arn = arn:a\ncredential_source = ";
    outside.variables["AWS_ACCESS_KEY_ID"] = "AKIDENV";
    outside.variables["AWS_SECRET_ACCESS_KEY"] = "E";
    outside.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/keys";
    for (const auto& [name, id] :
         {std::pair{"Environment", "AKIDENV"}, {"EcsContainer", "AKIDNET"}, {"Ec2InstanceMetadata", "AKIDNET"}}) {
        outside.asked.clear();
        EXPECT_TRUE(good(role + name + "\n").access_key_id.starts_with("ASIA")) << name;
        const auto authorization = tests::field_in(outside.asked.back(), "Authorization");
        EXPECT_NE(authorization.find(std::string("Credential=") + id + "/"), std::string::npos) << authorization;
    }
}

TEST_F(ProfileRoles, EndTheChainWhereTheNamedSourceHasNothing) {
    const std::string role = "[default]\nrole_arn = arn:a\ncredential_source = ";
    EXPECT_EQ(wrong(role + "Environment\n"), "profile default (/h/.aws/config:3): credential_source: no keys are set");
    EXPECT_EQ(
        wrong(role + "EcsContainer\n"),
        "profile default (/h/.aws/config:3): credential_source: no container endpoint is configured"
    );
    outside.variables["AWS_EC2_METADATA_DISABLED"] = "true";
    EXPECT_EQ(
        wrong(role + "Ec2InstanceMetadata\n"),
        "profile default (/h/.aws/config:3): credential_source: AWS_EC2_METADATA_DISABLED is true"
    );
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(ProfileRoles, MayRestOnAWebIdentity) {
    outside.files["/t"] = "token";
    const auto c = good(
        "[default]\nrole_arn = arn:a\nsource_profile = w\n[profile w]\nrole_arn = arn:w\nweb_identity_token_file = /t\n"
    );
    EXPECT_EQ(c.access_key_id, "ASIA2");
    EXPECT_EQ(tests::form_in(outside.asked.at(0))["WebIdentityToken"], "token");
    EXPECT_EQ(tests::form_in(outside.asked.at(0))["RoleArn"], "arn:w");
    outside.files.erase("/t");
    EXPECT_EQ(
        wrong("[default]\nrole_arn = arn:w\nweb_identity_token_file = /t\n"),
        "profile default (/h/.aws/config:3): token file /t: no such file"
    );
}

TEST_F(ProfileRoles, FailWithStssReason) {
    outside.respond = [](const http_ask&) -> http_result {
        return tests::reply(403, tests::sts_error_xml("AccessDenied", "not authorized"));
    };
    EXPECT_EQ(
        wrong("[default]\nrole_arn = arn:a\nsource_profile = base\n" + base),
        "profile default (/h/.aws/config:2): AssumeRole (https://sts.eu-west-1.amazonaws.com/): AccessDenied: not "
        "authorized"
    );
}

TEST_F(ProfileRoles, RefuseACodeBeforeAnybodyIsAsked) {
    const auto said = wrong("[default]\nrole_arn = arn:a\nsource_profile = base\nmfa_serial = arn:mfa\n" + base);
    EXPECT_NE(said.find("countersign session"), std::string::npos) << said;
    EXPECT_TRUE(said.starts_with("profile default (/h/.aws/config:2): ")) << said;
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(ProfileRoles, UseTheAddressAndTheRootsOfTheProfile) {
    good(
        "[default]\nrole_arn = arn:a\nsource_profile = base\nservices = s\nca_bundle = /own.pem\n"
        "[services s]\nsts =\n  endpoint_url = http://sts.local\n" +
        base
    );
    EXPECT_EQ(outside.asked.at(0).url, "http://sts.local");
    EXPECT_EQ(outside.asked.at(0).ca_file, "/own.pem");
}

TEST_F(ProfileRoles, ExplainThemselvesWithoutAskingAnybody) {
    outside.files[config_path] =
        "[default]\nrole_arn = arn:a\nsource_profile = base\naws_access_key_id = AKIASHADOWEDEXAMPLE\n" + base;
    EXPECT_EQ(
        seen(),
        "profile default (the default one)\n"
        "/h/.aws/config: read\n"
        "/h/.aws/credentials: no such file\n"
        "profile default: role_arn = arn:a (/h/.aws/config:2)\n"
        "profile default: aws_access_key_id (/h/.aws/config:4) is not used: role_arn beside it is stronger\n"
        "profile base: aws_access_key_id = ******** (/h/.aws/config:6)\n"
        "STS: https://sts.eu-west-1.amazonaws.com/ (region eu-west-1)\n"
        "STS: signed for eu-west-1 (AWS_REGION)\n"
    );
    EXPECT_TRUE(source->look(outside).configured);
    EXPECT_TRUE(outside.asked.empty());
}

} // namespace profile_source_test
} // namespace countersign::chain
