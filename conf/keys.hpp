// The table of everything a configuration file may say: one line a key. Constant; any thread.
#pragma once

#include "conf/config.hpp"
#include "conf/value.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace countersign::conf {

// `Target` is what the key writes into: the whole config, one route, one identity, or one client.
template <class Target>
struct key {
    std::string_view name;
    void (*read)(const value& from, Target& into);
};

struct section {
    std::string_view name;
    std::span<const key<config>> keys;
    echo shows = echo::shown;
};

std::span<const section> sections() noexcept;
std::span<const key<route>> route_keys() noexcept;
std::span<const key<identity>> identity_keys() noexcept;
std::span<const key<client>> client_keys() noexcept;

// True for keys and tables that a later version will have: their absence is said in other words than a typing error.
bool is_announced(std::string_view full_name) noexcept;

// "listen.address", …, "route.host", …: all that can be set.
std::vector<std::string> key_names();

} // namespace countersign::conf
