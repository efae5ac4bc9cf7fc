#include "chain/known_name.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace known_name_test {

using namespace std::chrono_literals;
using boost::asio::ip::make_address;
using standing = known_name::standing;
using wanted = known_name::wanted;

const known_name::time start{1000h};

bool is_not_loopback(const boost::asio::ip::address& a) {
    return !a.is_loopback();
}

name_answer found(std::vector<std::string> addresses, std::chrono::seconds lasts) {
    name_answer a;
    a.verdict = name_verdict::found;
    for (const std::string& text : addresses)
        a.addresses.push_back(make_address(text));
    a.lasts = lasts;
    return a;
}

name_answer nothing(name_verdict verdict) {
    return {verdict, {}, {}, "why"};
}

std::vector<std::string> in_turn(const std::vector<std::string>& sorted) {
    std::vector<std::string> out;
    for (const auto& a : by_turns(found(sorted, 1s).addresses))
        out.push_back(a.to_string());
    return out;
}

TEST(KnownName, IsUnknownAtFirst) {
    EXPECT_EQ(known_name{}.at(start, wanted::any), standing::unknown);
}

TEST(KnownName, IsFreshForItsTimeToLive) {
    known_name n;
    n.take(found({"192.0.2.1"}, 60s), start, nullptr);
    EXPECT_EQ(n.at(start, wanted::trusted), standing::fresh);
    EXPECT_EQ(n.at(start + 60s - 1ms, wanted::any), standing::fresh);
    EXPECT_EQ(n.at(start + 60s, wanted::any), standing::stale);
}

TEST(KnownName, BoundsTheTimeToLive) {
    known_name n;
    n.take(found({"192.0.2.1"}, 0s), start, nullptr);
    EXPECT_EQ(n.at(start + 5s - 1ms, wanted::any), standing::fresh);
    EXPECT_EQ(n.at(start + 5s, wanted::any), standing::stale);
    n.take(found({"192.0.2.1"}, 24h), start, nullptr);
    EXPECT_EQ(n.at(start + 5min - 1ms, wanted::any), standing::fresh);
    EXPECT_EQ(n.at(start + 5min, wanted::any), standing::stale);
}

TEST(KnownName, ServesExpiredAddressesForTenMinutes) {
    known_name n;
    n.take(found({"192.0.2.1"}, 60s), start, nullptr);
    n.take(nothing(name_verdict::failed), start + 61s, nullptr);
    EXPECT_EQ(n.at(start + 62s, wanted::any), standing::stale);
    EXPECT_EQ(n.addresses().size(), 1u);
    EXPECT_EQ(n.at(start + 60s + 10min - 1ms, wanted::any), standing::stale);
    EXPECT_EQ(n.at(start + 60s + 10min, wanted::any), standing::unknown);
}

TEST(KnownName, RenewsOnceASecondWhereThatFails) {
    known_name n;
    n.take(found({"192.0.2.1"}, 5s), start, nullptr);
    EXPECT_TRUE(n.may_renew(start + 5s));
    n.take(nothing(name_verdict::failed), start + 6s, nullptr);
    EXPECT_FALSE(n.may_renew(start + 7s - 1ms));
    EXPECT_TRUE(n.may_renew(start + 7s));
}

TEST(KnownName, RemembersForASecondThatANameIsAbsent) {
    known_name n;
    n.take(found({"192.0.2.1"}, 5s), start, nullptr);
    n.take(nothing(name_verdict::absent), start + 6s, nullptr);
    EXPECT_EQ(n.at(start + 7s - 1ms, wanted::any), standing::absent);
    EXPECT_EQ(n.at(start + 7s, wanted::any), standing::unknown);
    EXPECT_EQ(n.trouble(), "why");
}

TEST(KnownName, DoesNotRememberAFailureWithoutAddresses) {
    known_name n;
    n.take(nothing(name_verdict::failed), start, nullptr);
    EXPECT_EQ(n.at(start, wanted::any), standing::unknown);
    EXPECT_EQ(n.trouble(), "why");
}

TEST(KnownName, RefusesAllForOneAddressThatIsNotTrusted) {
    known_name n;
    n.take(found({"192.0.2.1", "127.0.0.1"}, 60s), start, is_not_loopback);
    EXPECT_EQ(n.at(start, wanted::trusted), standing::untrusted);
    EXPECT_EQ(n.at(start + 1s, wanted::trusted), standing::unknown); // somebody may have mended it
    EXPECT_EQ(n.at(start + 1s, wanted::any), standing::fresh);
}

TEST(KnownName, ForgetsGoodAddressesWhenTheNameTurnsUntrusted) {
    known_name n;
    n.take(found({"192.0.2.1"}, 5s), start, is_not_loopback);
    EXPECT_EQ(n.at(start + 6s, wanted::trusted), standing::stale);
    n.take(found({"127.0.0.1"}, 5s), start + 6s, is_not_loopback);
    EXPECT_EQ(n.at(start + 6s, wanted::trusted), standing::untrusted);
    n.take(nothing(name_verdict::failed), start + 8s, is_not_loopback);
    EXPECT_EQ(n.at(start + 8s, wanted::trusted), standing::unknown);
}

TEST(KnownName, JudgesMoreAddressesThanItKeeps) {
    std::vector<std::string> many;
    for (int i = 0; i < 200; ++i)
        many.push_back("192.0.2." + std::to_string(i));
    known_name n;
    n.take(found(many, 60s), start, is_not_loopback);
    EXPECT_EQ(n.at(start, wanted::trusted), standing::fresh);
    EXPECT_EQ(n.addresses().size(), known_name::most_addresses);
    EXPECT_FALSE(n.is_whole());
    many.push_back("127.0.0.1");
    n.take(found(many, 60s), start, is_not_loopback);
    EXPECT_EQ(n.at(start, wanted::trusted), standing::untrusted);
}

TEST(KnownName, KeepsALiteralForEver) {
    const known_name n(make_address("192.0.2.1"), is_not_loopback);
    EXPECT_EQ(n.at(start + 10000h, wanted::trusted), standing::fresh);
    const known_name own(make_address("::1"), is_not_loopback);
    EXPECT_EQ(own.at(start + 10000h, wanted::trusted), standing::untrusted);
    EXPECT_EQ(own.at(start + 10000h, wanted::any), standing::fresh);
}

TEST(KnownName, GivesTheFamiliesTheirTurns) {
    using text = std::vector<std::string>;
    EXPECT_EQ(in_turn({}), text{});
    EXPECT_EQ(in_turn({"192.0.2.1", "192.0.2.2"}), (text{"192.0.2.1", "192.0.2.2"}));
    EXPECT_EQ(
        in_turn({"2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1", "192.0.2.2"}),
        (text{"2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "2001:db8::3"})
    );
    EXPECT_EQ(in_turn({"192.0.2.1", "2001:db8::1", "2001:db8::2"}), (text{"192.0.2.1", "2001:db8::1", "2001:db8::2"}));
}

} // namespace known_name_test
} // namespace countersign::chain
