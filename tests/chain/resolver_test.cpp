// Names looked up of a scripted DNS server.
#include "chain/resolver.hpp"
#include "tests/support/name_server.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace countersign::chain {
namespace resolver_test {

using namespace std::chrono_literals;
using standing = known_name::standing;
using wanted = known_name::wanted;
using steady = std::chrono::steady_clock;

bool is_not_loopback(const boost::asio::ip::address& a) {
    return !a.is_loopback();
}

struct Resolver : testing::Test {
    // The look-up of `host` is begun; true once it has ended.
    std::shared_ptr<bool> begin(const std::string& host) {
        auto ended = std::make_shared<bool>(false);
        EXPECT_TRUE(names.ask(names.find(host), [ended] { *ended = true; }));
        return ended;
    }
    void await(const std::shared_ptr<bool>& ended) {
        for (const auto limit = steady::now() + 20s; !*ended && steady::now() < limit;) {
            on.restart();
            on.run_one_for(1s);
        }
        ASSERT_TRUE(*ended);
    }
    const known_name& look_up(const std::string& host) {
        await(begin(host));
        return names.find(host)->known;
    }
    std::vector<std::string> addresses(const std::string& host) {
        std::vector<std::string> texts;
        for (const auto& a : look_up(host).addresses())
            texts.push_back(a.to_string());
        std::sort(texts.begin(), texts.end());
        return texts;
    }
    void script_many(const std::string& host, std::string last) {
        tests::dns_reply many{{}};
        for (int i = 0; i < 199; ++i)
            many.addresses.push_back(fmt::format("192.0.2.{}", i));
        many.addresses.push_back(std::move(last));
        many.only_tcp = true;
        dns.script(host, many);
    }
    // What is left has nothing to wait for.
    void expect_idle() {
        on.restart();
        const auto before = steady::now();
        on.run_for(10s);
        EXPECT_LT(steady::now() - before, 9s);
    }

    boost::asio::io_context on{1};
    tests::name_server dns;
    resolver names{on, is_not_loopback, dns.service()};
};

TEST_F(Resolver, FindsTheAddressesOfBothFamilies) {
    dns.script("both.test", {{"192.0.2.1", "2001:db8::1", "192.0.2.2"}});
    dns.script("v4.test", {{"192.0.2.1"}});
    dns.script("v6.test", {{"2001:db8::1"}});
    EXPECT_EQ(addresses("both.test"), (std::vector<std::string>{"192.0.2.1", "192.0.2.2", "2001:db8::1"}));
    EXPECT_EQ(addresses("v4.test"), (std::vector<std::string>{"192.0.2.1"}));
    EXPECT_EQ(addresses("v6.test"), (std::vector<std::string>{"2001:db8::1"}));
    expect_idle();
}

// RFC 6724: whatever this machine routes, itself is nearer than the rest of the world (rules 1 and 8).
TEST_F(Resolver, GivesTheNearestAddressFirstAsGetaddrinfoDoes) {
    dns.script("far.test", {{"2001:db8::1", "::1"}});
    const auto& sorted = look_up("far.test").addresses();
    ASSERT_EQ(sorted.size(), 2u);
    EXPECT_EQ(sorted.front().to_string(), "::1");
}

TEST_F(Resolver, KeepsAnAnswerForTheShortestTimeOnTheWayThere) {
    dns.script("alias.test", {{"192.0.2.1"}, 200, {"a.test", "b.test", "c.test"}, 20});
    const known_name& n = look_up("alias.test");
    EXPECT_EQ(n.addresses().size(), 1u);
    EXPECT_EQ(n.at(steady::now() + 15s, wanted::any), standing::fresh);
    EXPECT_EQ(n.at(steady::now() + 20s, wanted::any), standing::stale);
    dns.script("alias.test", {{"192.0.2.1"}, 20, {"a.test"}, 200});
    look_up("alias.test");
    EXPECT_EQ(n.at(steady::now() + 15s, wanted::any), standing::fresh);
    EXPECT_EQ(n.at(steady::now() + 20s, wanted::any), standing::stale);
}

TEST_F(Resolver, SaysThatANameIsAbsent) {
    const known_name& n = look_up("nobody.test");
    EXPECT_EQ(n.at(steady::now(), wanted::any), standing::absent);
    EXPECT_FALSE(n.trouble().empty());
    dns.script("empty.test", {{}});
    EXPECT_EQ(look_up("empty.test").at(steady::now(), wanted::any), standing::absent);
    EXPECT_EQ(look_up(std::string(64, 'x') + ".test").at(steady::now(), wanted::any), standing::absent);
}

TEST_F(Resolver, SaysThatTheServerFailed) {
    for (const unsigned code : {2u, 4u, 5u}) {
        const std::string host = fmt::format("failure{}.test", code);
        dns.script(host, {{}, 60, {}, 60, code});
        const known_name& n = look_up(host);
        EXPECT_EQ(n.at(steady::now(), wanted::any), standing::unknown);
        EXPECT_FALSE(n.trouble().empty());
    }
}

TEST_F(Resolver, AsksOverTcpWhatDoesNotFitAndJudgesAllOfIt) {
    script_many("many.test", "192.0.2.199");
    const known_name& n = look_up("many.test");
    EXPECT_EQ(n.at(steady::now(), wanted::trusted), standing::fresh);
    EXPECT_EQ(n.addresses().size(), known_name::most_addresses);
    script_many("mixed.test", "127.0.0.1");
    EXPECT_EQ(look_up("mixed.test").at(steady::now(), wanted::trusted), standing::untrusted);
}

TEST_F(Resolver, AsksOneNamesQuestionOnce) {
    dns.script("once.test", {{"192.0.2.1"}});
    const auto first = begin("once.test"), second = begin("once.test"), third = begin("once.test");
    await(first);
    EXPECT_TRUE(*second);
    EXPECT_TRUE(*third);
    EXPECT_EQ(dns.asked("once.test"), 2u); // A and AAAA
}

TEST_F(Resolver, LetsNoSilentZoneHoldAnotherName) {
    dns.script("good.test", {{"192.0.2.1"}});
    std::vector<std::shared_ptr<bool>> dead;
    for (int i = 0; i < 50; ++i) {
        const std::string host = fmt::format("silent{}.test", i);
        dns.script(host, {{}, 60, {}, 60, 0, true});
        dead.push_back(begin(host));
    }
    EXPECT_EQ(addresses("good.test").size(), 1u);
    for (const auto& ended : dead)
        EXPECT_FALSE(*ended);
    names.stop();
    expect_idle();
}

TEST_F(Resolver, LetsNoTroubleOfOneNameReachAnother) {
    dns.script("silent.test", {{}, 60, {}, 60, 0, true});
    tests::dns_reply broken{{"192.0.2.1"}};
    broken.only_tcp = broken.broken_tcp = true;
    dns.script("broken.test", broken);
    const auto waiting = begin("silent.test");
    EXPECT_EQ(look_up("broken.test").at(steady::now(), wanted::any), standing::unknown);
    EXPECT_FALSE(*waiting);
}

TEST_F(Resolver, MakesRoomForANewNameWhereTooManyAreSilent) {
    dns.script("good.test", {{"192.0.2.1"}});
    std::vector<std::shared_ptr<bool>> dead;
    for (std::size_t i = 0; i < resolver::most_look_ups + 10; ++i) {
        const std::string host = fmt::format("silent{}.test", i);
        dns.script(host, {{}, 60, {}, 60, 0, true});
        dead.push_back(begin(host));
    }
    EXPECT_EQ(addresses("good.test").size(), 1u);
    EXPECT_TRUE(*dead.front());
    EXPECT_FALSE(*dead.back());
    EXPECT_NE(names.find("silent0.test")->known.trouble().find("too many"), std::string::npos);
}

TEST_F(Resolver, ServesWhatItKnowsWhileTheServerIsSilent) {
    dns.script("name.test", {{"192.0.2.1"}, 5});
    const auto n = names.find("name.test");
    look_up("name.test");
    dns.script("name.test", {{}, 60, {}, 60, 2});
    EXPECT_EQ(names.check(n, steady::now() + 6s, wanted::trusted), standing::stale);
    await(begin("name.test"));
    EXPECT_EQ(n->known.at(steady::now() + 6s, wanted::trusted), standing::stale);
    EXPECT_EQ(n->known.addresses().size(), 1u);
}

// "No data" for IPv6, which came last, is no word about IPv4.
TEST_F(Resolver, ServesWhatItKnowsWhileTheServerFailsForOneFamily) {
    dns.script("name.test", {{"192.0.2.1"}, 5});
    const auto n = names.find("name.test");
    look_up("name.test");
    tests::dns_reply half{{}};
    half.ipv4_fails = true;
    dns.script("name.test", half);
    EXPECT_EQ(names.check(n, steady::now() + 6s, wanted::trusted), standing::stale);
    await(begin("name.test"));
    EXPECT_EQ(n->known.at(steady::now() + 6s, wanted::trusted), standing::stale);
    EXPECT_EQ(n->known.addresses().size(), 1u);
}

TEST_F(Resolver, RefusesANameAtTheMomentWhenItTurnsPrivate) {
    dns.script("turns.test", {{"192.0.2.1"}, 5});
    const auto n = names.find("turns.test");
    look_up("turns.test");
    EXPECT_EQ(n->known.at(steady::now(), wanted::trusted), standing::fresh);
    dns.script("turns.test", {{"192.0.2.1", "127.0.0.1"}, 5});
    EXPECT_EQ(names.check(n, steady::now() + 6s, wanted::trusted), standing::stale); // the renewal is begun
    await(begin("turns.test"));
    EXPECT_EQ(n->known.at(steady::now(), wanted::trusted), standing::untrusted);
    EXPECT_EQ(n->known.at(steady::now() + 6s, wanted::trusted), standing::unknown);
}

TEST_F(Resolver, EndsWithALookUpUnderWay) {
    dns.script("silent.test", {{}, 60, {}, 60, 0, true});
    const auto ended = begin("silent.test");
    dns.await_question("silent.test");
    on.poll();
    names.stop();
    expect_idle();
    EXPECT_FALSE(*ended);
    EXPECT_FALSE(names.ask(names.find("other.test")));
}

TEST_F(Resolver, NeedsNoServerForAddressesAndTheHostsFile) {
    EXPECT_FALSE(names.ask(names.find("192.0.2.1")));
    EXPECT_FALSE(names.ask(names.find("2001:db8::1")));
    EXPECT_EQ(names.find("2001:db8::1")->known.at(steady::now(), wanted::trusted), standing::fresh);
    EXPECT_FALSE(addresses("localhost").empty());
    EXPECT_EQ(dns.asked("localhost"), 0u);
}

TEST_F(Resolver, AsksAgainForWhatItWasToldToForget) {
    dns.script("name.test", {{"192.0.2.1"}});
    look_up("name.test");
    names.forget_all();
    EXPECT_EQ(names.find("name.test")->known.at(steady::now(), wanted::any), standing::unknown);
}

TEST_F(Resolver, DoesNotWaitForAFamilyThatNobodyAnswersFor) {
    tests::dns_reply half{{"192.0.2.1"}};
    half.no_ipv6 = true;
    dns.script("half.test", half);
    EXPECT_EQ(addresses("half.test").size(), 1u);
    EXPECT_EQ(names.find("half.test")->known.at(steady::now() + 6s, wanted::any), standing::stale);
    expect_idle();
}

TEST_F(Resolver, GivesUpAServerThatDoesNotAnswer) {
    dns.script("silent.test", {{}, 60, {}, 60, 0, true});
    resolver hasty(on, nullptr, dns.service(50ms, 2));
    const auto n = hasty.find("silent.test");
    const auto ended = std::make_shared<bool>(false);
    hasty.ask(n, [ended] { *ended = true; });
    await(ended);
    EXPECT_EQ(n->known.at(steady::now(), wanted::any), standing::unknown);
    dns.await_question("silent.test", 4);    // the server may be behind
    EXPECT_EQ(dns.asked("silent.test"), 4u); // each family twice
}

} // namespace resolver_test
} // namespace countersign::chain
