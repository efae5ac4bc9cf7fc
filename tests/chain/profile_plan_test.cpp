#include "chain/profile_plan.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace profile_plan_test {

const std::string keys = "aws_access_key_id = AKIDSTATIC\naws_secret_access_key = S=/+\n";
const std::string role_a = "role_arn = arn:aws:iam::1:role/a\n";

struct ProfilePlan : testing::Test {
    plan_answer plan(std::string_view config, std::string_view name = "a") {
        auto merged = merge_profiles({"config", config}, {"credentials", ""});
        EXPECT_TRUE(merged) << merged.error().detail;
        set = *std::move(merged);
        return plan_profile(set, name);
    }
    profile_plan good(std::string_view config) {
        auto planned = plan(config);
        if (const auto* wrong = std::get_if<failure>(&planned))
            ADD_FAILURE() << wrong->detail;
        auto* found = std::get_if<profile_plan>(&planned);
        EXPECT_TRUE(found);
        return found ? std::move(*found) : profile_plan{};
    }
    std::string wrong(std::string_view config) {
        const auto planned = plan(config);
        const auto* broken = std::get_if<failure>(&planned);
        EXPECT_TRUE(broken) << config;
        return broken ? broken->detail : "";
    }
    static bool says(const profile_plan& p, std::string_view text) {
        return std::any_of(p.seen.begin(), p.seen.end(), [&](const std::string& line) {
            return line.find(text) != std::string::npos;
        });
    }

    profile_set set;
};

TEST_F(ProfilePlan, TakesStaticKeys) {
    const auto p = good("[profile a]\n" + keys + "aws_session_token = T\naws_account_id = 1\n");
    EXPECT_EQ(p.base, plan_base::static_keys);
    EXPECT_TRUE(p.roles.empty());
    EXPECT_EQ(p.keys.access_key_id, "AKIDSTATIC");
    EXPECT_EQ(p.keys.secret_access_key.reveal(), "S=/+");
    EXPECT_EQ(p.keys.session_token.reveal(), "T");
    EXPECT_EQ(p.keys.account_id, "1");
    EXPECT_EQ(p.keys.provider, "profile");
    EXPECT_FALSE(p.keys.expiration);
    EXPECT_EQ(p.where, "config:2");
}

TEST_F(ProfilePlan, IsNotMineWithoutProfileOrCredentials) {
    for (const auto* settings : {"region = x\n", "", "sso_session = dev\n", "aws_session_token =\n"})
        EXPECT_TRUE(std::holds_alternative<not_mine>(plan(std::string("[profile a]\n") + settings))) << settings;
    EXPECT_TRUE(std::holds_alternative<not_mine>(plan("[profile b]\n" + keys)));
}

TEST_F(ProfilePlan, FailsWithOneKeyOnlyOrUnfitOnes) {
    for (const auto* settings :
         {"aws_access_key_id = a\n",
          "aws_secret_access_key = b\n",
          "aws_access_key_id = a b\naws_secret_access_key = c\n",
          "aws_access_key_id = a\naws_secret_access_key = b\n  c\n",
          "aws_access_key_id = \xc3\xa4\naws_secret_access_key = c\n",
          "aws_access_key_id = a\naws_secret_access_key = c\naws_session_token = t\x7f\n"})
        EXPECT_NE(wrong(std::string("[profile a]\n") + settings).find("config:2"), std::string::npos) << settings;
}

TEST_F(ProfilePlan, FailsWhereAPropertyThatSaysWhoSignsIsEmpty) {
    for (const auto* settings :
         {"aws_access_key_id =\naws_secret_access_key =\n",
          "role_arn =\nsource_profile = b\n",
          "credential_process =\n",
          "sso_account_id =\nsso_role_name = r\n",
          "login_session =\n"})
        EXPECT_NE(wrong(std::string("[profile a]\n") + settings).find("is empty"), std::string::npos) << settings;
}

TEST_F(ProfilePlan, FailsAtAFaultOnTheWay) {
    EXPECT_EQ(wrong("[profile a]\n" + keys + "nonsense\n"), "profile a: config:4: expected `name = value`");
    EXPECT_NE(
        wrong("[profile a]\n" + role_a + "source_profile = b\n[profile b]\nnonsense\n").find("profile b: config:5"),
        std::string::npos
    );
    EXPECT_EQ(good("[profile a]\n" + keys + "[profile b]\nnonsense\n").keys.access_key_id, "AKIDSTATIC");
}

TEST_F(ProfilePlan, PrefersKeysOfTheCredentialsFileToACommandAndACommandToThoseOfTheConfigFile) {
    EXPECT_EQ(good("[profile a]\ncredential_process = x\n" + keys).base, plan_base::command);
    auto both = merge_profiles({"config", "[profile a]\ncredential_process = x\n"}, {"credentials", "[a]\n" + keys});
    const auto planned = plan_profile(*both, "a");
    EXPECT_EQ(std::get<profile_plan>(planned).base, plan_base::static_keys);
}

TEST_F(ProfilePlan, ReadsAllThatIsSaidAboutARole) {
    const auto p = good(
        "[profile a]\n" + role_a + "source_profile = b\nrole_session_name = me@x\nexternal_id = e/1\n" +
        "duration_seconds = 900\nmfa_serial = arn:aws:iam::1:mfa/me\n[profile b]\n" + keys
    );
    ASSERT_EQ(p.roles.size(), 1u);
    const auto& role = p.roles[0];
    EXPECT_EQ(role.ask.role_arn, "arn:aws:iam::1:role/a");
    EXPECT_EQ(role.ask.session_name, "me@x");
    EXPECT_EQ(role.ask.external_id, "e/1");
    EXPECT_EQ(role.ask.duration, std::chrono::seconds(900));
    EXPECT_EQ(role.mfa_serial, "arn:aws:iam::1:mfa/me");
    EXPECT_EQ(role.profile, "a");
    EXPECT_EQ(role.where, "config:2");
    EXPECT_EQ(p.from, set.find("b"));
}

TEST_F(ProfilePlan, PrefersTheRoleToKeysBesideItInTheFirstProfileOnly) {
    const auto p = good(
        "[profile a]\n" + role_a + keys + "source_profile = b\n[profile b]\nrole_arn = arn:b\nsource_profile = c\n" +
        "aws_access_key_id = AKIDOFB\naws_secret_access_key = S\n[profile c]\n" + keys
    );
    EXPECT_EQ(p.keys.access_key_id, "AKIDOFB");
    ASSERT_EQ(p.roles.size(), 1u);
    EXPECT_TRUE(says(p, "profile a: aws_access_key_id (config:3) is not used"));
    EXPECT_TRUE(says(p, "profile b: role_arn (config:7) is not used"));
}

TEST_F(ProfilePlan, AssumesRolesFromTheKeysForwards) {
    const auto p = good(
        "[profile a]\nrole_arn = arn:a\nsource_profile = b\n[profile b]\nrole_arn = arn:b\nsource_profile = c\n" +
        ("[profile c]\nrole_arn = arn:c\ncredential_source = ENVIRONMENT\n" + keys)
    );
    // c has keys, and it is not the first profile
    EXPECT_EQ(p.base, plan_base::static_keys);
    ASSERT_EQ(p.roles.size(), 2u);
    EXPECT_EQ(p.roles[0].ask.role_arn, "arn:b");
    EXPECT_EQ(p.roles[1].ask.role_arn, "arn:a");
}

TEST_F(ProfilePlan, KnowsTheNamedSourcesWithoutCase) {
    struct row {
        const char* text;
        plan_base base;
    };
    for (const row& r :
         {row{"environment", plan_base::environment},
          row{"EcsContainer", plan_base::container},
          row{"EC2INSTANCEMETADATA", plan_base::imds}}) {
        const auto p = good("[profile a]\n" + role_a + "credential_source = " + r.text + "\n");
        EXPECT_EQ(p.base, r.base);
        EXPECT_EQ(p.roles.size(), 1u);
    }
    EXPECT_NE(wrong("[profile a]\n" + role_a + "credential_source = Ec2\n").find("config:3"), std::string::npos);
}

TEST_F(ProfilePlan, TakesTheBaseInOrder) {
    // Each line is stronger than those behind it; role_arn with a token file is no chained role.
    const std::vector<std::pair<std::string, plan_base>> order{
        {"credential_source = EcsContainer\n", plan_base::container},
        {"web_identity_token_file = /t\n", plan_base::web_identity},
        {"sso_account_id = 1\nsso_role_name = r\n", plan_base::sso},
        {"login_session = arn:x\n", plan_base::login},
        {"credential_process = /bin/x --secret y\n", plan_base::command},
        {keys, plan_base::static_keys},
    };
    for (std::size_t first = 0; first < order.size(); ++first) {
        std::string config = "[profile a]\n" + (first < 2 ? role_a : "");
        for (std::size_t i = first; i < order.size(); ++i)
            config += order[i].first;
        const auto p = good(config);
        EXPECT_EQ(p.base, order[first].second) << config;
        EXPECT_TRUE(p.roles.empty()) << config;
        EXPECT_FALSE(says(p, "--secret")) << "the arguments of a command may be secret";
        EXPECT_EQ(says(p, "aws_access_key_id (config:"), first != 5) << config;
    }
}

TEST_F(ProfilePlan, ReadsAWebIdentity) {
    const auto p = good("[profile a]\n" + role_a + "web_identity_token_file = /t\nrole_session_name = me\n");
    EXPECT_EQ(p.web_identity.role_arn, "arn:aws:iam::1:role/a");
    EXPECT_EQ(p.web_identity.token_file, "/t");
    EXPECT_EQ(p.web_identity.session_name, "me");
    EXPECT_NE(wrong("[profile a]\nweb_identity_token_file = /t\n").find("needs a role_arn"), std::string::npos);
}

TEST_F(ProfilePlan, FailsAndSaysWhereAndWhatToDo) {
    struct row {
        std::string config;
        const char* place;
        const char* reason;
    };
    for (const row& r : std::vector<row>{
             {"[profile a]\n" + role_a, "profile a (config:2)", "role_arn needs source_profile"},
             {"[profile a]\n" + role_a + "source_profile = b\ncredential_source = Environment\n",
              "profile a (config:3)",
              "take one of them out"},
             {"[profile a]\n" + role_a + "source_profile = b\n", "profile a (config:3)", "there is no profile b"},
             {"[profile a]\n" + role_a + "source_profile = b\n[profile b]\nregion = x\n",
              "profile b",
              "profile a names it as its source"},
             {"[profile a]\n" + role_a + "source_profile = b\n[profile b]\naws_access_key_id = A\n",
              "profile b (config:5)",
              "without aws_secret_access_key"},
             {"[profile a]\n" + role_a + "source_profile = a\n", "profile a (config:3)", "no credentials of its own"},
             {"[profile a]\n" + role_a + "source_profile = b\n[profile b]\nrole_arn = x\nsource_profile = a\n",
              "profile b (config:6)",
              "circle"},
             {"[profile a]\nrole_arn = a b\nsource_profile = b\n", "profile a (config:2)", "control"},
             {"[profile a]\n" + role_a + "role_session_name = a b\nsource_profile = b\n", "config:3", "2 to 64"},
             {"[profile a]\n" + role_a + "duration_seconds = 1h\nsource_profile = b\n", "config:3", "900 to 43200"},
             {"[profile a]\n" + role_a + "duration_seconds = 899\nsource_profile = b\n", "config:3", "900 to 43200"},
             {"[profile a]\nsso_role_name = r\n", "profile a (config:2)", "sso_account_id"},
             {"[profile a]\n" + role_a + "source_profile = b\n[profile b]\nsso_session = s\n", "profile b", "source"},
         }) {
        const auto said = wrong(r.config);
        EXPECT_NE(said.find(r.place), std::string::npos) << said;
        EXPECT_NE(said.find(r.reason), std::string::npos) << said;
    }
}

TEST_F(ProfilePlan, BoundsTheChain) {
    const auto chain_of = [](std::size_t roles) {
        std::string config;
        for (std::size_t i = 0; i < roles; ++i)
            config += "[profile " + (i == 0 ? "a" : "p" + std::to_string(i)) +
                      "]\nrole_arn = arn:" + std::to_string(i) + "\nsource_profile = p" + std::to_string(i + 1) + "\n";
        return config + "[profile p" + std::to_string(roles) + "]\n" + keys;
    };
    EXPECT_EQ(good(chain_of(longest_role_chain)).roles.size(), longest_role_chain);
    EXPECT_NE(wrong(chain_of(longest_role_chain + 1)).find("shorten"), std::string::npos);
}

TEST_F(ProfilePlan, IgnoresASourceProfileWithoutARole) {
    const auto p = good("[profile a]\nsource_profile = b\n" + keys);
    EXPECT_EQ(p.base, plan_base::static_keys);
    EXPECT_TRUE(says(p, "source_profile (config:2) is not used"));
}

} // namespace profile_plan_test
} // namespace countersign::chain
