#include "proxy/commands/find_credentials.hpp"

#include "chain/chain.hpp"
#include "chain/world.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace countersign::proxy {
namespace {

namespace asio = boost::asio;

struct credential_search {
    explicit credential_search(asio::io_context& control) : outside(control) {}

    chain::system_world outside;
    chain::provider_list sources;
    std::vector<chain::attempt> tried;
    std::optional<chain::result<chain::credentials>> keys;
};

chain::task<> ask(credential_search& q) {
    q.keys = co_await chain::resolve(q.sources, q.outside, q.tried);
}

} // namespace

chain::credentials find_command_credentials(const std::string& profile) {
    asio::io_context control{1};
    credential_search q(control);
    chain::chain_settings settings;
    settings.profile = profile;
    settings.profile_is_explicit = !profile.empty();
    q.sources = chain::make_chain(settings);
    std::exception_ptr bug;
    asio::co_spawn(control, ask(q), [&](std::exception_ptr thrown) {
        bug = thrown;
        control.stop(); // a look-up that nobody waits for may still be under way
    });
    control.run_for(chain::longest_load);
    if (bug) {
        std::rethrow_exception(bug);
    }
    if (!q.keys) {
        throw std::runtime_error(chain::cut_off_load(q.tried).detail);
    }
    if (!*q.keys) {
        throw std::runtime_error(q.keys->error().detail);
    }
    return std::move(**q.keys);
}

} // namespace countersign::proxy
