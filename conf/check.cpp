#include "conf/check.hpp"

#include "conf/error.hpp"
#include "conf/nearest.hpp"
#include "conf/route.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::conf {
namespace {

// Names other than localhost could resolve to anything.
bool is_loopback(const std::string& host) {
    if (host == "localhost") {
        return true;
    }
    in_addr v4{};
    if (inet_pton(AF_INET, host.c_str(), &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    in6_addr v6{};
    if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) {
        return false;
    }
    const bool is_mapped_loopback = IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&v6) || is_mapped_loopback;
}

std::string in_front(const config& c, int line) {
    if (c.source.empty()) {
        return {};
    }
    return line > 0 ? fmt::format("{}:{}: ", c.source, line) : fmt::format("{}: ", c.source);
}

std::string written(const endpoint& e) {
    const bool is_ipv6 = e.host.find(':') != std::string::npos;
    return is_ipv6 ? fmt::format("[{}]:{}", e.host, e.port) : fmt::format("{}:{}", e.host, e.port);
}

void check_listeners(const config& c) {
    std::vector<endpoint> all = c.listen.address;
    if (c.admin.address) {
        all.push_back(*c.admin.address);
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (!is_loopback(all[i].host) && !c.listen.allow_remote) {
            throw error(fmt::format(
                "{}{} can be reached from other machines, which could then act in your name; use 127.0.0.1, "
                "or say "
                "allow_remote = true in [listen]",
                in_front(c, 0),
                written(all[i])
            ));
        }
        const bool is_twice =
            all[i].port != 0 && std::find(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i), all[i]) !=
                                    all.begin() + static_cast<std::ptrdiff_t>(i);
        if (is_twice) {
            throw error(fmt::format(
                "{}{} is named twice among listen.address and admin.address", in_front(c, 0), written(all[i])
            ));
        }
    }
}

void check_route(const config& c, std::size_t index) {
    const route& r = c.routes[index];
    for (std::size_t earlier = 0; earlier < index; ++earlier) {
        if (route_covers(c.routes[earlier], r)) {
            throw error(fmt::format(
                "{}the route for host \"{}\" is never reached: the one for \"{}\" in line {} comes first; "
                "put the "
                "narrower one in front",
                in_front(c, r.line),
                r.host,
                c.routes[earlier].host,
                c.routes[earlier].line
            ));
        }
    }
    if (r.retry_mode == retry_mode::off && r.max_attempts.value_or(1) > 1) {
        throw error(fmt::format("{}retry_mode = \"off\" contradicts max_attempts; leave one out", in_front(c, r.line)));
    }
    if (r.rate_limit_wait && !r.rate_limit) {
        throw error(fmt::format("{}rate_limit_wait needs a rate_limit", in_front(c, r.line)));
    }
    if (r.upstream && r.scheme && r.upstream_scheme != r.scheme) {
        throw error(fmt::format("{}scheme contradicts the scheme of upstream; leave scheme out", in_front(c, r.line)));
    }
    for (const std::string& name : r.sign_headers) {
        if (std::find(r.unsigned_headers.begin(), r.unsigned_headers.end(), name) != r.unsigned_headers.end()) {
            throw error(
                fmt::format("{}{} stands both in sign_headers and in unsigned_headers", in_front(c, r.line), name)
            );
        }
    }
}

void check_identity(const config& c, const identity& i) {
    const bool is_of_role = !i.external_id.empty() || !i.role_session_name.empty() || i.duration_seconds ||
                            !i.session_policy.empty() || !i.tags.empty();
    if (i.role_arn.empty() && is_of_role) {
        throw error(
            fmt::format("{}identity.{} says how to assume a role, but not which: role_arn", in_front(c, i.line), i.name)
        );
    }
    if (i.role_arn.empty() && i.profile.empty()) {
        throw error(fmt::format("{}identity.{} needs a profile or a role_arn", in_front(c, i.line), i.name));
    }
}

void check_client_keys(const config& c) {
    for (std::size_t i = 0; i < c.clients.size(); ++i) {
        const client& one = c.clients[i];
        if (one.access_key_id.empty() || one.secret_access_key_file.empty()) {
            throw error(
                fmt::format("{}every [[client]] needs access_key_id and secret_access_key_file", in_front(c, one.line))
            );
        }
        for (std::size_t earlier = 0; earlier < i; ++earlier) {
            if (c.clients[earlier].access_key_id == one.access_key_id) {
                throw error(fmt::format(
                    "{}this access_key_id is that of the [[client]] in line {} already",
                    in_front(c, one.line),
                    c.clients[earlier].line
                ));
            }
        }
    }
}

// As conf::route::identity_index.
std::size_t index_of_identity(const config& c, const std::string& name, int line) {
    if (name.empty() || name == "default") {
        return 0;
    }
    const auto found =
        std::find_if(c.identities.begin(), c.identities.end(), [&](const identity& i) { return i.name == name; });
    if (found == c.identities.end()) {
        std::vector<std::string> names{"default"};
        for (const identity& i : c.identities) {
            names.push_back(i.name);
        }
        const std::string_view near = nearest(name, names);
        throw error(fmt::format(
            "{}there is no [identity.{}]{}",
            in_front(c, line),
            name,
            near.empty() ? std::string() : fmt::format("; did you mean {}?", near)
        ));
    }
    return found->number;
}

} // namespace

void bind_identities(config& c) {
    for (route& r : c.routes) {
        r.identity_index = index_of_identity(c, r.identity, r.line);
    }
    for (client& one : c.clients) {
        one.identity_index = index_of_identity(c, one.identity, one.line);
    }
}

void check(const config& c) {
    check_listeners(c);
    for (const identity& i : c.identities) {
        check_identity(c, i);
    }
    check_client_keys(c);
    for (std::size_t i = 0; i < c.routes.size(); ++i) {
        check_route(c, i);
    }
    if (c.credentials.access_key_id.empty() != c.credentials.secret_access_key_file.empty()) {
        throw error(fmt::format("{}access_key_id and secret_access_key_file must be given together", in_front(c, 0)));
    }
    if (c.payload.memory_limit > c.payload.memory_total) {
        throw error(
            fmt::format("{}payload.memory_limit (one body) is above payload.memory_total (all bodies)", in_front(c, 0))
        );
    }
}

} // namespace countersign::conf
