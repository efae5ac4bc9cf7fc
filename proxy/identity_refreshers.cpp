#include "proxy/identity_refreshers.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

namespace countersign::proxy {

namespace {

// " of identity audit"; the default one needs no name.
std::string of_identity(std::size_t index, const std::string& name) {
    return index == 0 ? std::string() : fmt::format(" of identity {}", name);
}

bool takes_everything(const conf::route& r) {
    return r.host == "*" && r.path.empty() && r.method.empty();
}

} // namespace

chain::chain_settings chain_settings_of(const conf::config& c) {
    const conf::credential_settings& d = c.credentials;
    return {d.profile, d.profile_is_explicit, d.access_key_id, d.secret_access_key_file, d.region};
}

chain::chain_settings chain_settings_of(const conf::config& c, const conf::identity& i) {
    chain::chain_settings s;
    s.profile = i.profile;
    s.profile_is_explicit = !i.profile.empty(); // the environment's keys are somebody else's
    s.region = c.credentials.region;
    if (i.profile.empty()) {
        s.access_key_id = c.credentials.access_key_id;
        s.secret_access_key_file = c.credentials.secret_access_key_file;
        s.profile = c.credentials.profile;
        s.profile_is_explicit = c.credentials.profile_is_explicit;
    }
    s.role.role_arn = i.role_arn;
    s.role.session_name = i.role_session_name;
    s.role.external_id = i.external_id;
    if (i.duration_seconds) {
        s.role.duration = std::chrono::seconds{*i.duration_seconds};
    }
    s.role.session_policy = i.session_policy;
    s.role.tags = i.tags;
    return s;
}

bool is_in_use(const conf::config& c, std::size_t number) {
    if (!c.clients.empty()) { // they, not the routes, say who signs
        return std::any_of(c.clients.begin(), c.clients.end(), [number](const conf::client& one) {
            return one.identity_index == number;
        });
    }
    const bool is_named = std::any_of(c.routes.begin(), c.routes.end(), [number](const conf::route& r) {
        return r.sign != conf::sign_mode::none && r.identity_index == number;
    });
    return is_named || (number == 0 && std::none_of(c.routes.begin(), c.routes.end(), takes_everything));
}

identities::identities(boost::asio::io_context& control, chain::world& outside, const conf::config& c, subscriber tell)
    : control_(control), outside_(outside), tell_(std::move(tell)) {
    conf::identity from_credentials;
    from_credentials.name = "default";
    add(from_credentials, chain_settings_of(c));
    for (const conf::identity& i : c.identities) {
        add(i, chain_settings_of(c, i));
    }
}

void identities::add(const conf::identity& what, chain::chain_settings from) {
    const std::size_t number = all_.size();
    one& o = all_.emplace_back();
    o.what = what;
    o.source = std::make_unique<chain::refresher>(
        control_, outside_, std::move(from), [this, number](const chain::snapshot& s) { note(number, s); }
    );
}

void identities::retire(std::size_t identity, std::chrono::milliseconds grace) {
    one& o = all_[identity];
    o.source->stop();
    o.grace = outside_.make_alarm();
    o.grace->set(grace, [this, identity] {
        all_[identity].latest = {};
        chain::snapshot gone;
        gone.error = "it has left the configuration";
        tell_(identity, gone);
    });
}

void identities::number(conf::config& c) const {
    std::size_t next = all_.size();
    for (conf::identity& i : c.identities) {
        const auto same =
            std::find_if(all_.begin() + 1, all_.end(), [&](const one& o) { return !o.grace && o.what == i; });
        i.number = same != all_.end() ? static_cast<std::size_t>(same - all_.begin()) : next++;
    }
}

void identities::change_to(const conf::config& c) {
    const std::size_t known = all_.size();
    for (std::size_t n = 1; n < known; ++n) {
        const bool stays = std::any_of(c.identities.begin(), c.identities.end(), [n](const conf::identity& i) {
            return i.number == n;
        });
        if (!stays && !all_[n].grace) {
            retire(n, c.listen.drain_timeout);
        }
    }
    for (const conf::identity& i : c.identities) {
        if (i.number >= known) {
            add(i, chain_settings_of(c, i));
            all_.back().source->start();
        }
    }
}

void identities::start() {
    for (one& o : all_) {
        o.source->start();
    }
}

void identities::load_now() {
    for (one& o : all_) {
        o.source->load_now();
    }
}

void identities::stop() {
    for (one& o : all_) {
        o.source->stop();
        if (o.grace) {
            o.grace->cancel();
        }
    }
}

void identities::note_left_out(const std::vector<std::string>& lines) {
    constexpr std::size_t most = 50; // whoever writes the files again and again does not fill the memory
    for (const std::string& line : lines) {
        if (told_.size() < most && told_.insert(line).second) {
            spdlog::warn("credentials: {}", line);
        }
    }
}

void identities::note(std::size_t identity, const chain::snapshot& s) {
    one& o = all_[identity];
    const std::string whose = of_identity(identity, o.what.name);
    if (s.current && s.current != o.latest.current) {
        spdlog::info("credentials{} {} from {}", whose, s.current->access_key_id, s.current->provider);
    }
    if (!s.error.empty() && s.error != o.latest.error) {
        spdlog::warn("credentials{}: {}", whose, s.error);
    }
    // Only the default chain can surprise; a named profile or role was chosen.
    if (identity == 0 && !s.warning.empty() && s.warning != o.latest.warning) {
        spdlog::warn("credentials{}: {}", whose, s.warning);
    }
    note_left_out(s.left_out);
    o.latest = s;
    tell_(identity, s);
}

readiness identities::ready(const conf::config& c) const {
    readiness r;
    const auto now = std::chrono::system_clock::now();
    for (std::size_t i = 0; i < all_.size() && r.state == readiness_state::ready; ++i) {
        const chain::snapshot& s = all_[i].latest;
        if (!is_in_use(c, i)) {
            continue;
        }
        if (!s.current) {
            r.state = readiness_state::no_credentials;
        } else if (s.current->expired_at(now)) {
            r.state = readiness_state::expired_credentials;
        }
        if (r.error.empty() || r.state != readiness_state::ready) {
            r.error = error_of(i);
        }
    }
    return r;
}

// "identity audit: there is no profile audit"; the default one needs no name.
std::string identities::error_of(std::size_t identity) const {
    const chain::snapshot& s = all_[identity].latest;
    const bool is_pending = !s.current && s.error.empty();
    const std::string text = is_pending ? "its source has not answered yet" : s.error;
    return identity == 0 || text.empty() ? s.error : fmt::format("identity {}: {}", all_[identity].what.name, text);
}

std::vector<credential_gauge> identities::gauges() const {
    std::vector<credential_gauge> out;
    for (const one& o : all_) {
        if (!o.latest.current || o.grace) {
            continue;
        }
        double seconds = std::numeric_limits<double>::infinity();
        if (const auto expiry = o.latest.current->expiration) {
            seconds = std::chrono::duration<double>(*expiry - std::chrono::system_clock::now()).count();
        }
        out.push_back({o.what.name, o.latest.current->provider, seconds});
    }
    return out;
}

} // namespace countersign::proxy
