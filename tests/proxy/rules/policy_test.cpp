#include "proxy/rules/policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::proxy {
namespace policy_test {

using conf::rule;
using testing::HasSubstr;

constexpr policy_facts dynamodb{
    "dynamodb.eu-west-1.amazonaws.com", "dynamodb.eu-west-1.amazonaws.com", "dynamodb", "eu-west-1", false, true};
constexpr policy_facts s3{
    "b.s3.us-east-1.amazonaws.com", "b.s3.us-east-1.amazonaws.com", "s3", "us-east-1", false, true};

conf::policy_settings policy(std::vector<rule> allow, std::vector<rule> deny = {}) {
    conf::policy_settings p;
    p.allow = std::move(allow);
    p.deny = std::move(deny);
    return p;
}

rule action(std::string service, std::string name, int line = 7) {
    rule r;
    r.action_service = std::move(service);
    r.action = std::move(name);
    r.line = line;
    return r;
}

rule service(std::string name) {
    rule r;
    r.service = std::move(name);
    return r;
}

rule method(std::vector<std::string> names) {
    rule r;
    r.method = std::move(names);
    return r;
}

rule host(std::string glob) {
    rule r;
    r.host = std::move(glob);
    return r;
}

std::string code_for_host(const conf::policy_settings& p, const policy_facts& facts) {
    const auto decided = decide_for_host(p, facts);
    const auto* no = std::get_if<refusal>(&decided);
    return no ? std::string(no->code) : std::get<shared_rules>(decided) ? "asks on" : "goes";
}

policy_question question(std::string_view verb, std::string_view name) {
    policy_question q;
    q.method = verb;
    q.state = name == "?" ? action_state::unknown : name == "…" ? action_state::pending : action_state::known;
    q.action = name;
    return q;
}

policy_result
ask(const conf::policy_settings& p, const policy_facts& facts, std::string_view verb, std::string_view name) {
    const auto decided = decide_for_host(p, facts);
    const auto* rules = std::get_if<shared_rules>(&decided);
    if (!rules)
        return policy_result::refused;
    return *rules ? decide_for_request(**rules, question(verb, name)).result : policy_result::pass;
}

TEST(Policy, AsksNothingWhereTheHostDecides) {
    EXPECT_EQ(code_for_host(policy({}), s3), "goes");
    EXPECT_EQ(code_for_host(policy({service("s3")}), s3), "goes");
    EXPECT_EQ(code_for_host(policy({service("s3")}), dynamodb), "policy-denied");
    EXPECT_EQ(code_for_host(policy({}, {service("dyn*")}), dynamodb), "policy-denied");
    EXPECT_EQ(code_for_host(policy({}, {action("sqs", "*")}), s3), "goes"); // another service's actions
    EXPECT_EQ(code_for_host(policy({}, {action("dynamodb", "*")}), dynamodb), "asks on");
    // What an entry allows as a whole needs no look at the others.
    EXPECT_EQ(code_for_host(policy({action("dynamodb", "get*"), service("dynamodb")}), dynamodb), "goes");
}

TEST(Policy, SaysNotAllowedWhereAListOfHostsIsAllThereIs) {
    EXPECT_EQ(code_for_host(policy({host("sqs.*")}), s3), "not-allowed");
    EXPECT_EQ(code_for_host(policy({host("*.s3.*")}), s3), "goes");
}

TEST(Policy, LetsDenyWin) {
    EXPECT_EQ(code_for_host(policy({host("*")}, {service("s3")}), s3), "policy-denied");
    const conf::policy_settings p = policy({action("dynamodb", "*")}, {action("dynamodb", "delete*")});
    EXPECT_EQ(ask(p, dynamodb, "POST", "GetItem"), policy_result::pass);
    EXPECT_EQ(ask(p, dynamodb, "POST", "DeleteTable"), policy_result::refused);
    EXPECT_EQ(ask(p, dynamodb, "POST", "dELETEtABLE"), policy_result::refused);
}

TEST(Policy, HoldsOnlyWhereAllConditionsHold) {
    rule r = service("dynamodb");
    r.region = "eu-*";
    r.method = {"POST"};
    r.action = "get*";
    EXPECT_EQ(ask(policy({r}), dynamodb, "POST", "GetItem"), policy_result::pass);
    EXPECT_EQ(ask(policy({r}), dynamodb, "GET", "GetItem"), policy_result::refused);
    EXPECT_EQ(ask(policy({r}), dynamodb, "POST", "PutItem"), policy_result::refused);
    policy_facts elsewhere = dynamodb;
    elsewhere.region = "us-east-1";
    EXPECT_EQ(ask(policy({r}), elsewhere, "POST", "GetItem"), policy_result::refused);
    EXPECT_EQ(ask(policy({}, {r}), elsewhere, "POST", "GetItem"), policy_result::pass);
}

TEST(Policy, FailsClosedWithoutACertainAction) {
    EXPECT_EQ(ask(policy({action("dynamodb", "*")}), dynamodb, "POST", "?"), policy_result::refused);
    EXPECT_EQ(ask(policy({}, {action("dynamodb", "deletetable")}), dynamodb, "POST", "?"), policy_result::refused);
    EXPECT_EQ(ask(policy({}, {action("*", "delete*")}), s3, "DELETE", "?"), policy_result::refused);
    EXPECT_EQ(ask(policy({}, {action("sqs", "delete*")}), s3, "DELETE", "?"), policy_result::pass);
    rule get_only = action("dynamodb", "deletetable");
    get_only.method = {"GET"};
    EXPECT_EQ(ask(policy({}, {get_only}), dynamodb, "POST", "?"), policy_result::pass); // cannot be meant
}

TEST(Policy, DecidesBeforeTheBodyWhatItCan) {
    const conf::policy_settings p = policy({method({"GET"}), action("dynamodb", "*")}, {action("dynamodb", "delete*")});
    EXPECT_EQ(ask(p, dynamodb, "POST", "…"), policy_result::pending);
    EXPECT_EQ(ask(p, dynamodb, "GET", "…"), policy_result::pending); // deny asks for the action still
    EXPECT_EQ(ask(policy({method({"GET"})}), s3, "PUT", "…"), policy_result::refused);
    EXPECT_EQ(ask(policy({method({"GET"})}), s3, "GET", "…"), policy_result::pass);
    EXPECT_EQ(ask(policy({}, {method({"PUT", "DELETE"})}), s3, "PUT", "…"), policy_result::refused);
}

TEST(Policy, TrustsNoMethodThatAFieldMayReplace) {
    const auto with_override = [](const conf::policy_settings& p) {
        policy_question q = question("GET", "?");
        q.method_is_overridden = true;
        return decide_for_request(*std::get<shared_rules>(decide_for_host(p, s3)), q).result;
    };
    EXPECT_EQ(with_override(policy({method({"GET"})})), policy_result::refused);
    EXPECT_EQ(with_override(policy({}, {method({"DELETE"})})), policy_result::refused);
}

TEST(Policy, BindsRoutesByDenyAndByAllowThatSaysMoreThanHosts) {
    policy_facts routed = dynamodb;
    routed.is_routed = true;
    EXPECT_EQ(code_for_host(policy({host("s3.*")}), routed), "goes");
    EXPECT_EQ(code_for_host(policy({host("s3.*"), service("s3")}), routed), "policy-denied");
    EXPECT_EQ(code_for_host(policy({service("dynamodb")}), routed), "goes");
    EXPECT_EQ(code_for_host(policy({}, {service("dynamodb")}), routed), "policy-denied");
    routed.is_signed = false; // nothing is done in our name
    EXPECT_EQ(code_for_host(policy({service("s3")}), routed), "goes");
    EXPECT_EQ(code_for_host(policy({}, {service("dynamodb")}), routed), "policy-denied");
}

TEST(Policy, LooksAtBothNamesOfAFixedUpstreamForDenyAndAtTheRealOneForAllow) {
    policy_facts fixed = s3;
    fixed.asked_host = "anything";
    EXPECT_EQ(code_for_host(policy({}, {host("anything")}), fixed), "policy-denied");
    EXPECT_EQ(code_for_host(policy({}, {host("*.s3.*")}), fixed), "policy-denied");
    EXPECT_EQ(code_for_host(policy({host("anything")}), fixed), "not-allowed");
}

TEST(Policy, HoldsAllRegionsOfASetToBeMeant) {
    const auto region = [](std::string glob) {
        rule r;
        r.region = std::move(glob);
        return r;
    };
    policy_facts everywhere = s3;
    everywhere.region = "*";
    policy_facts some = s3;
    some.region = "us-east-1,eu-*";
    for (const char* glob : {"eu-west-1", "us-*", "*"}) {
        EXPECT_EQ(code_for_host(policy({}, {region(glob)}), everywhere), "policy-denied") << glob;
        EXPECT_EQ(code_for_host(policy({}, {region(glob)}), some), "policy-denied") << glob;
    }
    EXPECT_EQ(code_for_host(policy({}, {region("ap-*")}), everywhere), "policy-denied");
    EXPECT_EQ(code_for_host(policy({}, {region("ap-*")}), some), "goes");
    EXPECT_EQ(code_for_host(policy({}, {region("us-west-?")}), some), "goes");
    for (const char* glob : {"eu-west-1", "us-*", "?"}) {
        EXPECT_EQ(code_for_host(policy({region(glob)}), everywhere), "policy-denied") << glob;
        EXPECT_EQ(code_for_host(policy({region(glob)}), some), "policy-denied") << glob;
    }
    EXPECT_EQ(code_for_host(policy({region("*")}), everywhere), "goes");
    EXPECT_EQ(code_for_host(policy({region("*")}), some), "goes");
    // One entry has to allow the whole of it.
    EXPECT_EQ(code_for_host(policy({region("us-*"), region("eu-*")}), some), "policy-denied");
}

TEST(Policy, NamesTheEntryAndTheAction) {
    const conf::policy_settings p = policy({}, {action("dynamodb", "delete*", 12)});
    const auto decided = decide_for_host(p, dynamodb);
    const request_rules& rules = *std::get<shared_rules>(decided);
    const policy_question q = question("POST", "DeleteTable");
    const refusal no = refuse_by_policy(rules, q, decide_for_request(rules, q));
    EXPECT_EQ(no.status, 403u);
    EXPECT_EQ(no.code, "policy-denied");
    EXPECT_THAT(no.message, HasSubstr("line 12"));
    EXPECT_THAT(no.message, HasSubstr("dynamodb:DeleteTable"));
}

} // namespace policy_test
} // namespace countersign::proxy
