// Everybody in whose name this process signs: a refresher for each identity of the configuration, what it gave last,
// and what that means for /readyz and /metrics. Control thread only; workers get each snapshot through the subscriber.
#pragma once

#include "chain/refresh.hpp"
#include "chain/world.hpp"
#include "conf/config.hpp"
#include "proxy/admin.hpp"
#include "proxy/metrics.hpp"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace countersign::proxy {

// Which chain, and which role, gives the keys of [credentials] (0) or of config::identities[index - 1].
chain::chain_settings chain_settings_of(const conf::config& c, std::size_t index);

// Whether some request could be signed in its name: named by a route that signs; 0 also by requests without a route.
bool is_in_use(const conf::config& c, std::size_t index);

class identities {
public:
    using subscriber = std::function<void(std::size_t identity, const chain::snapshot&)>;

    // Those of `c` for good: identities change at the next start only. `outside` outlives it.
    identities(boost::asio::io_context& control, chain::world& outside, const conf::config& c, subscriber tell);

    void start();
    void load_now(); // all of them: SIGHUP
    void load_now(std::size_t identity) { all_[identity].source->load_now(); }
    void stop();

    // Ready only when every identity in use has keys that are good now; the error is that of the first without.
    readiness ready(const conf::config& c) const;
    std::vector<credential_gauge> gauges() const;

private:
    struct one {
        std::string name;
        chain::snapshot latest;
        std::unique_ptr<chain::refresher> source;
    };
    void note(std::size_t identity, const chain::snapshot& s);
    std::string error_of(std::size_t identity) const;

    std::vector<one> all_;
    subscriber tell_;
};

} // namespace countersign::proxy
