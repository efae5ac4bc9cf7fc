// A program that knows nothing of countersign but chain/: asks for credentials once, then lets a refresher do it.
#include "chain/chain.hpp"
#include "chain/refresh.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <exception>
#include <vector>

namespace {

namespace chain = countersign::chain;

int status = 1;

void found(std::exception_ptr bug, chain::result<chain::credentials> keys) {
    if (bug)
        std::rethrow_exception(bug);
    if (keys)
        std::printf("%s of %s\n", keys->access_key_id.c_str(), keys->provider.c_str());
    else
        std::fprintf(stderr, "%s\n", keys.error().detail.c_str());
}

} // namespace

int main() {
    boost::asio::io_context control{1};
    chain::system_world outside(control);
    const auto sources = chain::make_chain({});
    std::vector<chain::attempt> tried;
    boost::asio::co_spawn(control, chain::resolve(sources, outside, tried), found);
    control.run_for(chain::longest_load);

    control.restart();
    chain::refresher keeper(control, outside, {}, [&control](const chain::snapshot& now) {
        if (now.current) {
            std::printf("renewed: %s\n", now.current->access_key_id.c_str());
            status = 0;
        } else {
            std::fprintf(stderr, "%s\n", now.error.c_str());
        }
        control.stop();
    });
    keeper.start();
    control.run_for(chain::longest_load);
    keeper.stop();
    return status;
}
