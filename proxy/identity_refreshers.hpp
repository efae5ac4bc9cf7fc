// Everybody in whose name this process signs: a refresher for each identity of the configuration, what it gave last,
// and what that means for /readyz and /metrics. A number (conf::identity::number) never means another identity later:
// a request that outlives a reload can not end up with somebody else's keys. Control thread only; workers get each
// snapshot through the subscriber.
#pragma once

#include "chain/refresh.hpp"
#include "chain/world.hpp"
#include "conf/config.hpp"
#include "proxy/observe/metrics.hpp"
#include "proxy/observe/readiness.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace countersign::proxy {

// Which chain, and which role, gives the keys of [credentials], or of one of c.identities.
chain::chain_settings chain_settings_of(const conf::config& c);
chain::chain_settings chain_settings_of(const conf::config& c, const conf::identity& i);

// Whether a request could be signed in its name: a [[client]] names it or, where there are none, a route that signs.
// Requests without a route are signed in the name of number 0.
bool is_in_use(const conf::config& c, std::size_t number);

class identities {
public:
    using subscriber = std::function<void(std::size_t identity, const chain::snapshot&)>;

    // `outside` outlives this. Asks for nothing before start().
    identities(boost::asio::io_context& control, chain::world& outside, const conf::config& c, subscriber tell);

    void start();
    void load_now(); // all of them: SIGHUP
    void load_now(std::size_t identity) { all_[identity].source->load_now(); }
    void stop();

    // A reload takes two steps, and the second cannot fail. First number() gives c.identities their numbers: the one
    // they have here if nothing about them has changed, else a new one.
    void number(conf::config& c) const;
    // Then change_to() asks for the new ones and no longer for those that have gone, whose keys last for requests under
    // way until c.listen.drain_timeout has passed. REQUIRES: number(c), and workers that know the new numbers.
    void change_to(const conf::config& c);
    std::size_t size() const noexcept { return all_.size(); }

    // Ready only when every identity in use has keys that are good now; the error is that of the first without.
    readiness ready(const conf::config& c) const;
    std::vector<credential_gauge> gauges() const; // of the identities that the configuration has

private:
    struct one {
        conf::identity what; // of [credentials]: only its name, "default"
        chain::snapshot latest;
        std::unique_ptr<chain::refresher> source;
        std::unique_ptr<chain::alarm> grace; // it has left the configuration
    };
    void add(const conf::identity& what, chain::chain_settings from);
    void retire(std::size_t identity, std::chrono::milliseconds grace);
    void note(std::size_t identity, const chain::snapshot& s);
    void note_left_out(const std::vector<std::string>& lines);
    std::string error_of(std::size_t identity) const;

    boost::asio::io_context& control_;
    chain::world& outside_;
    std::vector<one> all_; // by number
    subscriber tell_;
    std::set<std::string> told_; // lines of what is left out of the files: each is logged once
};

} // namespace countersign::proxy
