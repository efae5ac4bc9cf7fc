#include "chain/connector.hpp"
#include "tests/support/black_hole.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <sys/socket.h>
#include <unistd.h>

namespace countersign::chain {
namespace connector_test {

using namespace std::chrono_literals;
using boost::asio::ip::make_address;
using boost::asio::ip::tcp;
using steady = std::chrono::steady_clock;

struct Connector : testing::Test {
    Connector() : listener(on, {make_address("127.0.0.1"), 0}) {}
    ~Connector() override {
        if (outcome && outcome->descriptor >= 0)
            ::close(outcome->descriptor);
    }
    tcp::endpoint at(const char* address) const { return {make_address(address), listener.local_endpoint().port()}; }
    void begin(std::vector<tcp::endpoint> addresses) {
        race = std::make_shared<connector>(on, std::move(addresses));
        race->begin([this](connected c) { outcome = c; });
    }
    // The address that was reached, or where it ended.
    std::size_t run() {
        for (const auto limit = steady::now() + 20s; !outcome && steady::now() < limit;) {
            on.restart();
            on.run_one_for(1s);
        }
        return outcome ? outcome->which : 1000;
    }
    bool is_connected() const {
        tcp::endpoint peer;
        socklen_t size = static_cast<socklen_t>(peer.capacity());
        return outcome && outcome->descriptor >= 0 && ::getpeername(outcome->descriptor, peer.data(), &size) == 0;
    }
    // Nothing is left that the io_context would wait for.
    void expect_idle() {
        on.restart();
        const auto before = steady::now();
        on.run_for(10s);
        EXPECT_LT(steady::now() - before, 9s);
    }

    boost::asio::io_context on{1};
    tcp::acceptor listener;
    std::shared_ptr<connector> race;
    std::optional<connected> outcome;
};

TEST_F(Connector, ReachesAnAddress) {
    begin({at("127.0.0.1")});
    EXPECT_FALSE(outcome); // never from begin()
    EXPECT_EQ(run(), 0u);
    EXPECT_TRUE(is_connected());
    expect_idle();
}

TEST_F(Connector, GoesOnWhereOneRefuses) {
    begin({at("127.0.0.2"), at("127.0.0.3"), at("127.0.0.1")});
    const auto before = steady::now();
    EXPECT_EQ(run(), 2u);
    EXPECT_TRUE(is_connected());
    EXPECT_LT(steady::now() - before, 10s);
}

TEST_F(Connector, SaysWhyNoneWasReached) {
    begin({at("127.0.0.2"), at("127.0.0.3")});
    EXPECT_EQ(run(), 1u);
    EXPECT_EQ(outcome->error, ECONNREFUSED);
    EXPECT_EQ(outcome->descriptor, -1);
    expect_idle();
}

TEST_F(Connector, DoesNotWaitForABlackHole) {
    const tests::black_hole hole("127.0.0.2", listener.local_endpoint().port());
    begin({hole.endpoint(), at("127.0.0.1")});
    const auto before = steady::now();
    EXPECT_EQ(run(), 1u);
    EXPECT_TRUE(is_connected());
    EXPECT_GE(steady::now() - before, connection_race::head_start);
    expect_idle();
}

TEST_F(Connector, PassesManyBlackHoles) {
    const tests::black_hole hole("127.0.0.2", listener.local_endpoint().port());
    std::vector<tcp::endpoint> addresses(connector::most_at_once + 2, hole.endpoint());
    addresses.push_back(at("127.0.0.1"));
    begin(addresses);
    EXPECT_EQ(run(), addresses.size() - 1);
    EXPECT_TRUE(is_connected());
    expect_idle();
}

TEST_F(Connector, PassesAFamilyThatThisMachineDoesNotRoute) {
    begin({at("2001:db8::1"), at("127.0.0.1")});
    EXPECT_EQ(run(), 1u);
    EXPECT_TRUE(is_connected());
}

TEST_F(Connector, CanBeGivenUp) {
    const tests::black_hole hole("127.0.0.2");
    begin({hole.endpoint()});
    on.poll();
    EXPECT_FALSE(outcome);
    race->give_up();
    EXPECT_FALSE(outcome); // soon, not now
    EXPECT_EQ(run(), 0u);
    EXPECT_EQ(outcome->error, ECANCELED);
    expect_idle();
}

TEST_F(Connector, CanBeDropped) {
    const tests::black_hole hole("127.0.0.2");
    begin({hole.endpoint()});
    on.poll();
    race->drop();
    expect_idle();
    EXPECT_FALSE(outcome);
}

TEST_F(Connector, FailsWithoutAddresses) {
    begin({});
    run();
    EXPECT_EQ(outcome->descriptor, -1);
    EXPECT_NE(outcome->error, 0);
}

} // namespace connector_test
} // namespace countersign::chain
