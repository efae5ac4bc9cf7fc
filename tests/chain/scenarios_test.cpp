// Recorded scenarios of AWS's own clients: each file of scenarios/ is a test; adding a file adds one. Their
// form: environment, files and HTTP exchanges of one machine, and what must come of it.
#include "chain/answer.hpp"
#include "chain/chain.hpp"
#include "chain/profile_choice.hpp"
#include "chain/profile_plan.hpp"
#include "chain/rfc3339.hpp"
#include "chain/sts_answer.hpp"
#include "tests/support/fake_world.hpp"
#include "tests/support/proof.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/sts_ask.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace countersign::chain {
namespace scenarios_test {

namespace json = boost::json;

std::vector<std::filesystem::path> scenario_files() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(TESTS_FOLDER "/chain/scenarios"))
        if (entry.path().extension() == ".json")
            files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

std::string text(const json::value& v) {
    return json::value_to<std::string>(v);
}

struct ChainScenario : testing::TestWithParam<std::filesystem::path> {
    ChainScenario() {
        std::ifstream file(GetParam());
        std::stringstream content;
        content << file.rdbuf();
        scenario = json::parse(content.str()).as_object();
        outside.variables["HOME"] = "/home";
        for (const auto& [name, value] : scenario["env"].as_object())
            outside.variables[std::string(name)] = text(value);
        for (const auto& [path, content_of] : scenario["files"].as_object())
            outside.files["/" + std::string(path)] = text(content_of);
        if (scenario["now"].is_string())
            outside.time = read_rfc3339(text(scenario["now"])).value();
        outside.respond = [this](const http_ask& ask) { return exchange(ask); };
        outside.execute = [](const std::string& command) {
            return tests::run_task(run_command(command, std::chrono::seconds(15)));
        };
    }

    // The recorded answers in order; anything else must not be asked, except the instance for its region.
    http_result exchange(const http_ask& ask) {
        const auto& recorded = scenario["exchanges"].as_array();
        if (next >= recorded.size() && ask.url.starts_with("http://169.254.169.254/"))
            return http_fault{http_stage::connect, "no instance"};
        if (next >= recorded.size()) {
            ++unexpected;
            return http_fault{http_stage::connect, "not recorded"};
        }
        const auto& [request, response] =
            std::pair{recorded[next].at("request").as_object(), recorded[next].at("response").as_object()};
        ++next;
        EXPECT_EQ(ask.method, text(request.at("method")));
        EXPECT_EQ(with_sorted_query(ask.url), with_sorted_query(text(request.at("url"))));
        for (const auto& [name, value] : request.at("headers").as_object())
            EXPECT_EQ(tests::field_in(ask, name), text(value)) << name;
        expect_form(ask, request);
        expect_signature(ask, request);
        if (const auto* body = request.if_contains("json")) {
            EXPECT_EQ(json::parse(std::string(ask.body.reveal())), *body);
        }
        if (request.contains("dpop"))
            expect_proof(ask);
        std::vector<http_field> fields;
        for (const auto& [name, value] : response.at("headers").as_object())
            fields.push_back({std::string(name), secret(text(value))});
        remember_keys(text(response.at("body")));
        return tests::reply(
            json::value_to<unsigned>(response.at("status")), text(response.at("body")), std::move(fields)
        );
    }

    // The recordings do not agree on an order of the parameters.
    static std::string with_sorted_query(const std::string& url) {
        const auto mark = url.find('?');
        if (mark == std::string::npos)
            return url;
        std::vector<std::string> pairs;
        std::stringstream query(url.substr(mark + 1));
        for (std::string pair; std::getline(query, pair, '&');)
            pairs.push_back(pair);
        std::sort(pairs.begin(), pairs.end());
        std::string sorted = url.substr(0, mark);
        for (const auto& pair : pairs)
            sorted += "?" + pair;
        return sorted;
    }

    // With the key of the login's cache file.
    void expect_proof(const http_ask& ask) {
        for (const auto& [path, content] : outside.files)
            if (path.find("/login/cache/") != std::string::npos) {
                const auto pem = text(json::parse(content).at("dpopKey"));
                const auto proof = tests::verify_proof(tests::field_in(ask, "DPoP"), pem);
                EXPECT_EQ(proof.wrong, "");
                EXPECT_EQ(text(proof.payload.at("htm")), "POST");
                EXPECT_EQ(text(proof.payload.at("htu")), ask.url);
                EXPECT_EQ(
                    proof.payload.at("iat").to_number<std::int64_t>(),
                    std::chrono::system_clock::to_time_t(outside.time)
                );
                return;
            }
        ADD_FAILURE() << "no login cache among the files";
    }

    // What a file must hold afterwards; it may hold more.
    void expect_files(const json::object& expected) {
        for (const auto& [path, fields] : expected) {
            const auto content = json::parse(outside.files["/" + std::string(path)]).as_object();
            for (const auto& [name, value] : fields.as_object())
                EXPECT_EQ(content.at(name), value) << name;
        }
    }

    void expect_form(const http_ask& ask, const json::object& request) {
        const auto* fixed = request.if_contains("form");
        if (!fixed)
            return;
        const auto form = tests::form_in(ask);
        for (const auto& [name, value] : fixed->as_object())
            EXPECT_EQ(form.at(std::string(name)), text(value)) << name;
        const auto* free = request.if_contains("form_also");
        for (const auto& name : free ? free->as_array() : json::array{})
            EXPECT_NE(form.at(text(name)), "") << name;
        if (form.contains("RoleArn")) { // the recordings name others than their own files
            const auto config = text(
                scenario["files"].as_object().contains("home/.aws/config") ? scenario["files"].at("home/.aws/config")
                                                                           : scenario["env"].at("AWS_ROLE_ARN")
            );
            EXPECT_NE(config.find(form.at("RoleArn")), std::string::npos) << form.at("RoleArn");
        }
    }

    // Made with the keys of the step before, and with no others.
    void expect_signature(const http_ask& ask, const json::object& request) {
        const auto* signed_or_not = request.if_contains("signed");
        if (!signed_or_not)
            return;
        if (!signed_or_not->as_bool()) {
            EXPECT_EQ(tests::field_in(ask, "Authorization"), "");
            return;
        }
        if (!before) {
            const auto profiles = read_profiles(outside).value();
            const auto planned = plan_profile(profiles, selected_profile(outside, {}));
            before = std::get<profile_plan>(planned).keys;
        }
        const auto seen = tests::verify_ask(ask, *before, outside.time);
        EXPECT_EQ(seen.what, signer::mismatch::none) << seen.detail;
    }
    void remember_keys(const std::string& body) {
        for (const auto& read :
             {read_answer(body, ""),
              read_sts_answer(body, "AssumeRole"),
              read_sts_answer(body, "AssumeRoleWithWebIdentity")})
            if (read)
                before = *read;
    }

    result<credentials> load() {
        const auto family = text(scenario["family"]);
        provider_list sources = make_chain({});
        if (family == "ecs" || family == "imds") {
            sources.clear();
            sources.push_back(family == "ecs" ? container_source() : imds_source({}));
        }
        std::vector<attempt> tried;
        return tests::run_task(on, resolve(sources, outside, tried));
    }

    void expect_credentials(const credentials& c, const json::object& expected) {
        const auto end = !c.stated_end.empty() ? c.stated_end : c.expiration ? write_rfc3339(*c.expiration) : "";
        std::map<std::string, std::string> got{
            {"AccessKeyId", c.access_key_id},
            {"SecretAccessKey", std::string(c.secret_access_key.reveal())},
            {"SessionToken", std::string(c.session_token.reveal())},
            {"Expiration", end},
            {"AccountId", c.account_id}};
        for (const auto& [name, value] : expected)
            EXPECT_EQ(got[std::string(name)], text(value)) << name;
        EXPECT_EQ(expected.contains("Expiration"), c.expiration.has_value());
    }

    // Where the first keys come from, then each role.
    void expect_steps(const json::array& steps) {
        const auto profiles = read_profiles(outside);
        ASSERT_TRUE(profiles) << profiles.error().detail;
        const auto planned = plan_profile(*profiles, selected_profile(outside, {}));
        const auto* plan = std::get_if<profile_plan>(&planned);
        ASSERT_TRUE(plan) << (std::holds_alternative<failure>(planned) ? std::get<failure>(planned).detail : "");
        ASSERT_EQ(plan->roles.size() + 1, steps.size());
        expect_base(*plan, steps.at(0).as_object());
        for (std::size_t i = 1; i < steps.size(); ++i) {
            EXPECT_EQ(text(steps[i].at("provider")), "AssumeRole");
            EXPECT_EQ(plan->roles[i - 1].ask.role_arn, text(steps[i].at("role_arn")));
        }
    }
    void expect_base(const profile_plan& plan, const json::object& first) {
        if (text(first.at("provider")) == "NamedSource") {
            const std::map<std::string, plan_base> sources{
                {"Environment", plan_base::environment},
                {"EcsContainer", plan_base::container},
                {"Ec2InstanceMetadata", plan_base::imds}};
            EXPECT_EQ(plan.base, sources.at(text(first.at("source"))));
            return;
        }
        ASSERT_EQ(text(first.at("provider")), "AccessKey") << "a step of a kind that is not known";
        EXPECT_EQ(plan.base, plan_base::static_keys);
        EXPECT_EQ(plan.keys.access_key_id, text(first.at("access_key_id")));
        EXPECT_EQ(plan.keys.secret_access_key.reveal(), text(first.at("secret_access_key")));
        EXPECT_EQ(plan.keys.account_id, first.contains("account_id") ? text(first.at("account_id")) : "");
    }

    boost::asio::io_context on{1};
    tests::fake_world outside{on};
    json::object scenario;
    std::size_t next = 0;
    std::optional<credentials> before; // of the step before
    int unexpected = 0;
};

TEST_P(ChainScenario, EndsAsRecorded) {
    const auto& expected = scenario["expect"].as_object();
    if (const auto* asks = expected.if_contains("asks")) {
        load();
        ASSERT_FALSE(outside.asked.empty());
        EXPECT_EQ(outside.asked[0].method, text(asks->at("method")));
        EXPECT_EQ(outside.asked[0].url, text(asks->at("url")));
        return;
    }
    if (const auto* steps = expected.if_contains("steps")) {
        expect_steps(steps->as_array());
        return;
    }
    const auto got = load();
    if (const auto* keys = expected.if_contains("credentials")) {
        ASSERT_TRUE(got) << got.error().detail;
        expect_credentials(*got, keys->as_object());
        EXPECT_EQ(next, scenario["exchanges"].as_array().size()) << "not everything recorded was asked";
        EXPECT_EQ(unexpected, 0);
        if (const auto* kept = expected.if_contains("files"))
            expect_files(kept->as_object());
    } else {
        ASSERT_TRUE(expected.contains("error")) << "a scenario of a kind that is not known";
        EXPECT_FALSE(got);
    }
}

std::string test_name(const testing::TestParamInfo<std::filesystem::path>& info) {
    std::string name = info.param.stem().string();
    std::replace_if(
        name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_'
    );
    return name;
}
INSTANTIATE_TEST_SUITE_P(Recorded, ChainScenario, testing::ValuesIn(scenario_files()), test_name);

} // namespace scenarios_test
} // namespace countersign::chain
