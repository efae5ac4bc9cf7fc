// Who has which number, over reloads: a number never means somebody else later.
#include "conf/check.hpp"
#include "conf/load.hpp"
#include "proxy/identity_refreshers.hpp"
#include "tests/support/fake_world.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>

namespace countersign::proxy {
namespace identity_refreshers_test {

using namespace std::chrono_literals;

class Identities : public testing::Test {
protected:
    Identities() {
        outside_.files["/root/.aws/credentials"] = "[a]\naws_access_key_id = AKIAA\naws_secret_access_key = a\n"
                                                   "[b]\naws_access_key_id = AKIAB\naws_secret_access_key = b\n";
        outside_.variables["HOME"] = "/root";
    }

    static conf::config parse(std::string_view text) { return conf::load(text, "test.toml"); }

    // As a reload does.
    conf::config reload(identities& all, std::string_view text) {
        conf::config c = parse(text);
        all.number(c);
        conf::bind_identities(c);
        all.change_to(c);
        outside_.settle();
        return c;
    }

    identities make(const conf::config& c) {
        return {on_, outside_, c, [this](std::size_t number, const chain::snapshot& s) { told_[number] = s; }};
    }

    std::string key_of(std::size_t number) {
        const auto found = told_.find(number);
        return found == told_.end()     ? "not told"
               : !found->second.current ? "none"
                                        : found->second.current->access_key_id;
    }

    boost::asio::io_context on_;
    tests::fake_world outside_{on_};
    std::map<std::size_t, chain::snapshot> told_;
};

constexpr std::string_view both = "[identity.x]\nprofile = \"a\"\n[identity.y]\nprofile = \"b\"\n";

TEST_F(Identities, KeepTheirNumbersWhereverTheyStand) {
    identities all = make(parse(both));
    all.start();
    outside_.settle();
    EXPECT_EQ(key_of(1), "AKIAA");
    EXPECT_EQ(key_of(2), "AKIAB");
    // Tables come in the order of their names.
    const conf::config c = reload(
        all,
        "[identity.w]\nprofile = \"a\"\nrole_arn = \"arn:aws:iam::123456789012:role/w\"\n"
        "[identity.x]\nprofile = \"a\"\n[identity.y]\nprofile = \"b\"\n[[route]]\nhost = \"*\"\nidentity = \"y\"\n"
    );
    ASSERT_EQ(c.identities.size(), 3u);
    EXPECT_EQ(c.identities[0].number, 3u);
    EXPECT_EQ(c.identities[1].number, 1u);
    EXPECT_EQ(c.identities[2].number, 2u);
    EXPECT_EQ(c.routes[0].identity_index, 2u);
    EXPECT_EQ(all.size(), 4u);
}

TEST_F(Identities, GetANewNumberWhenTheyChange) {
    identities all = make(parse(both));
    all.start();
    outside_.settle();
    const conf::config c = reload(all, "[identity.x]\nprofile = \"b\"\n[identity.y]\nprofile = \"b\"\n");
    EXPECT_EQ(c.identities[0].number, 3u);
    EXPECT_EQ(c.identities[1].number, 2u);
    EXPECT_EQ(key_of(3), "AKIAB");
    // Back again: the first one is not taken up, its requests may still be under way.
    EXPECT_EQ(reload(all, both).identities[0].number, 4u);
    EXPECT_EQ(key_of(4), "AKIAA");
}

TEST_F(Identities, LeaveTheirKeysToRequestsUnderWayForAWhile) {
    identities all = make(parse(both));
    all.start();
    outside_.settle();
    reload(all, "[listen]\ndrain_timeout = \"10s\"\n[identity.y]\nprofile = \"b\"\n");
    outside_.advance(9s);
    EXPECT_EQ(key_of(1), "AKIAA");
    EXPECT_EQ(all.gauges().size(), 1u);
    outside_.advance(2s);
    EXPECT_EQ(key_of(1), "none");
    EXPECT_NE(told_[1].error, "");
    EXPECT_EQ(all.gauges().size(), 1u);
    EXPECT_EQ(key_of(2), "AKIAB");
    // Nobody asks in its name any more.
    told_.clear();
    all.load_now();
    all.load_now(1);
    outside_.advance(2s);
    EXPECT_EQ(key_of(1), "not told");
}

} // namespace identity_refreshers_test
} // namespace countersign::proxy
