#include "chain/chain.hpp"
#include "chain/region.hpp"
#include "tests/support/fake_world.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/sts_ask.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace chain_test {

using namespace std::chrono_literals;

struct Chain : testing::Test {
    Chain() { outside.variables["HOME"] = "/h"; }

    result<credentials> load(chain_settings settings = {}) {
        const auto sources = make_chain(settings);
        return tests::run_task(on, resolve(sources, outside, tried));
    }
    std::string provider_of(chain_settings settings = {}) {
        const auto c = load(std::move(settings));
        return c ? c->provider : "failed: " + c.error().detail;
    }
    void add_environment() {
        outside.variables["AWS_ACCESS_KEY_ID"] = "AKIDENV";
        outside.variables["AWS_SECRET_ACCESS_KEY"] = "S";
    }
    void add_profile() {
        outside.files["/h/.aws/credentials"] = "[default]\naws_access_key_id=AKIDFILE\naws_secret_access_key=S\n";
    }
    void add_container() {
        outside.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1/";
        add_network();
    }
    void add_network() {
        outside.respond = [this](const http_ask& a) -> http_result {
            if (a.method == "PUT")
                return tests::reply(200, "tok");
            if (a.url.ends_with("/security-credentials/"))
                return tests::reply(200, "role");
            if (a.url.ends_with("/placement/region"))
                return tests::reply(200, "eu-north-1");
            return tests::reply(200, tests::credential_json("AKIDNET", outside.time + 1h));
        };
    }

    boost::asio::io_context on{1};
    tests::fake_world outside{on};
    std::vector<attempt> tried;
};

TEST_F(Chain, AsksInOrder) {
    outside.files["/s"] = "S";
    add_environment();
    add_profile();
    add_container();
    chain_settings given;
    given.access_key_id = "AKIDARG";
    given.secret_access_key_file = "/s";
    EXPECT_EQ(provider_of(given), "command_line");
    EXPECT_EQ(provider_of(), "environment");
    outside.variables.erase("AWS_ACCESS_KEY_ID");
    EXPECT_EQ(provider_of(), "profile");
    outside.files.clear();
    EXPECT_TRUE(outside.asked.empty());
    EXPECT_EQ(provider_of(), "container");
    outside.variables.erase("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    EXPECT_EQ(provider_of(), "imds");
}

TEST_F(Chain, LetsAProfileFromTheCommandLineOverruleTheEnvironment) {
    add_environment();
    add_profile();
    outside.variables["AWS_ROLE_ARN"] = outside.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "x";
    EXPECT_EQ(provider_of({"default", true, "", ""}), "profile");
    EXPECT_EQ(tried.at(1).outcome, finding::skipped);
}

TEST_F(Chain, LetsTheEnvironmentWinOverAwsProfile) {
    add_environment();
    add_profile();
    outside.variables["AWS_PROFILE"] = "default";
    EXPECT_EQ(provider_of(), "environment");
}

TEST_F(Chain, StopsAtABrokenSource) {
    add_profile();
    add_network();
    outside.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "broken";
    outside.files["/h/.aws/config"] = "[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = x\n";
    const auto c = load();
    ASSERT_FALSE(c);
    EXPECT_TRUE(c.error().detail.starts_with("profile: profile default (/h/.aws/config:3): there is no profile x"))
        << c.error().detail;
    EXPECT_EQ(tried.at(2).outcome, finding::broken);
    EXPECT_EQ(tried.at(4).outcome, finding::not_reached);
    outside.files.clear();
    EXPECT_TRUE(load().error().detail.starts_with("container: "));
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(Chain, EndsAtANamedProfileThatIsNotThereInsteadOfTakingTheNodesRole) {
    add_network();
    for (const auto* name : {"prod-typo", "default", "'prod'"}) {
        outside.files["/h/.aws/config"] = "[profile prod]\nregion = r-1\n";
        outside.variables = {{"HOME", "/h"}, {"AWS_PROFILE", name}};
        EXPECT_NE(provider_of().find("there is no profile"), std::string::npos) << name;
        add_environment();
        EXPECT_NE(provider_of().find("there is no profile"), std::string::npos) << name;
        outside.variables = {{"HOME", "/h"}};
        EXPECT_NE(provider_of({name, false, "", ""}).find("there is no profile"), std::string::npos) << name;
        EXPECT_NE(provider_of({name, true, "", ""}).find("there is no profile"), std::string::npos) << name;
        outside.files["/h/.aws/config"] = std::string("[default]\nrole_arn = arn:x\nsource_profile = ") + name + "x\n";
        EXPECT_NE(provider_of().find("there is no profile"), std::string::npos) << name;
    }
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(Chain, EndsAtADoubtInsteadOfTakingTheNodesRole) {
    add_network();
    for (const auto* doubtful :
         {"aws_access_key_id = A\naws_secret_access_key = S\n",
          "[default]\naws_access_key_id =\naws_secret_access_key =\n",
          "[default\naws_access_key_id = A\naws_secret_access_key = S\n",
          "[default]\nregion = r-1\n[b\n"}) {
        outside.files["/h/.aws/credentials"] = doubtful;
        EXPECT_TRUE(provider_of().starts_with("failed: profile: ")) << doubtful << provider_of();
    }
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(Chain, StopsAtABrokenWebIdentityInsteadOfTakingTheNodesRole) {
    add_network();
    outside.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/r";
    EXPECT_EQ(provider_of(), "imds") << "one variable alone configures nothing";
    outside.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/t";
    EXPECT_NE(provider_of().find("token file /t: no such file"), std::string::npos);
}

TEST_F(Chain, NamesEverySourceWhenNoneHasCredentials) {
    outside.variables["AWS_EC2_METADATA_DISABLED"] = "true";
    const auto c = load();
    ASSERT_FALSE(c);
    for (const auto* name : {"command_line", "environment", "profile", "web_identity", "container", "imds"})
        EXPECT_NE(c.error().detail.find(name), std::string::npos) << name;
    EXPECT_EQ(c.error().detail.find('\n'), std::string::npos);
}

TEST_F(Chain, NamesTheSourceThatALoadWasCutOffAt) {
    EXPECT_EQ(cut_off_load({}).detail, "no answer within 25 s");
    tried = {{"environment", finding::skipped, "no keys"}, {"container", finding::not_reached, {}}};
    EXPECT_EQ(cut_off_load(tried).detail, "container: no answer within 25 s (before it, environment: no keys)");
    EXPECT_TRUE(cut_off_load(tried).retryable);
    tried = {{"environment", finding::used, {}}, {"container", finding::not_reached, {}}};
    EXPECT_EQ(
        cut_off_load(tried).detail, "environment has keys, the role to be assumed with them: no answer within 25 s"
    );
}

TEST_F(Chain, SaysInWordsThatKeysHideARole) {
    add_environment();
    load();
    EXPECT_NE(hidden_role(tried, outside).find("hide the instance's role"), std::string::npos);
    add_container();
    EXPECT_NE(hidden_role(tried, outside).find("hide the container's role"), std::string::npos);
    outside.variables.erase("AWS_ACCESS_KEY_ID");
    load();
    EXPECT_EQ(hidden_role(tried, outside), "");
}

TEST_F(Chain, SaysThatAWebIdentityHidesARoleButNotThatAProfilesRoleDoes) {
    add_container();
    outside.variables["AWS_REGION"] = "eu-west-1";
    outside.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/r";
    outside.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/t";
    outside.files["/t"] = "token";
    outside.respond = [this](const http_ask& a) -> http_result {
        if (a.method == "POST")
            return tests::reply(200, tests::sts_xml(tests::form_in(a)["Action"], "ASIA1", outside.time + 1h));
        return tests::reply(200, tests::credential_json("AKIDNET", outside.time + 1h));
    };
    EXPECT_EQ(provider_of(), "web_identity");
    EXPECT_EQ(
        hidden_role(tried, outside),
        "the web identity (AWS_WEB_IDENTITY_TOKEN_FILE) hides the container's role: its endpoint is configured and is "
        "not asked"
    );
    outside.files["/h/.aws/config"] = "[default]\nrole_arn = arn:x\ncredential_source = EcsContainer\n";
    EXPECT_EQ(provider_of(), "profile");
    EXPECT_EQ(hidden_role(tried, outside), "");
}

struct Region : Chain {
    result<region_choice> choose(std::string given = "", chain_settings settings = {}) {
        return tests::run_task(on, resolve_region(outside, std::move(settings), std::move(given)));
    }
};

TEST_F(Region, IsTakenInOrder) {
    add_network();
    outside.variables["AWS_REGION"] = "r-2";
    outside.variables["AWS_DEFAULT_REGION"] = "r-3";
    outside.files["/h/.aws/config"] = "[default]\nregion = r-4\n[profile p]\nregion = r-5\n";
    EXPECT_EQ(choose("r-1")->region, "r-1");
    EXPECT_EQ(choose()->region, "r-2");
    outside.variables["AWS_REGION"] = "";
    EXPECT_EQ(choose()->region, "r-3");
    outside.variables.erase("AWS_DEFAULT_REGION");
    EXPECT_EQ(choose()->region, "r-4");
    EXPECT_EQ(choose()->origin, "profile default (/h/.aws/config:2)");
    EXPECT_EQ(choose("", {"p", true, "", ""})->region, "r-5");
    EXPECT_TRUE(outside.asked.empty());
    outside.files.clear();
    EXPECT_EQ(choose()->region, "eu-north-1");
    EXPECT_FALSE(choose()->is_fallback);
}

TEST_F(Region, FallsBackToUsEast1AndSaysSo) {
    EXPECT_EQ(choose()->region, "us-east-1");
    EXPECT_TRUE(choose()->is_fallback);
    add_network();
    outside.asked.clear();
    outside.variables["AWS_EC2_METADATA_DISABLED"] = "true";
    EXPECT_TRUE(choose()->is_fallback);
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(Region, IsNotThatOfTheNodeWhereANamedProfileIsNotThere) {
    add_network();
    outside.variables["AWS_PROFILE"] = "gone";
    ASSERT_FALSE(choose());
    EXPECT_NE(choose().error().detail.find("there is no profile gone"), std::string::npos);
    EXPECT_TRUE(outside.asked.empty());
}

TEST_F(Region, RefusesWhatIsNone) {
    for (const auto* bad : {"US-EAST-1", "a.b", "a b", "a/b", "-a", "a-", "evil.example#", "\xc3\xa4"}) {
        outside.variables["AWS_REGION"] = bad;
        EXPECT_FALSE(choose()) << bad;
    }
    EXPECT_FALSE(choose(std::string(65, 'a')));
}

TEST_F(Region, IgnoresALyingMetadataService) {
    outside.respond = [](const http_ask&) -> http_result { return tests::reply(200, "evil.example/"); };
    EXPECT_TRUE(choose()->is_fallback);
}

} // namespace chain_test
} // namespace countersign::chain
