#include "proxy/default_region.hpp"

#include "proxy/identity_refreshers.hpp"
#include "signer/scope.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>
#include <variant>

namespace countersign::proxy {

bool needs_default_region(const conf::config& c) {
    return std::any_of(c.routes.begin(), c.routes.end(), [](const conf::route& r) {
        const std::string& host = r.upstream ? r.upstream->host : r.host;
        return r.sign != conf::sign_mode::none && !r.service.empty() && r.region.empty() &&
               !std::holds_alternative<signer::host_scope>(signer::scope_of(host));
    });
}

chain::task<chain::result<chain::region_choice>> ask_for_default_region(chain::world& outside, const conf::config& c) {
    return chain::resolve_region(outside, chain_settings_of(c), c.credentials.region);
}

chain::result<chain::region_choice> find_default_region(const conf::config& c) {
    boost::asio::io_context context{1};
    chain::system_world outside(context);
    std::optional<chain::result<chain::region_choice>> found;
    boost::asio::co_spawn(
        context,
        ask_for_default_region(outside, c),
        [&found](std::exception_ptr, chain::result<chain::region_choice> r) { found = std::move(r); }
    );
    while (!found && context.run_one() != 0) {
    }
    return found ? *std::move(found) : chain::failure{"the region could not be resolved"};
}

} // namespace countersign::proxy
