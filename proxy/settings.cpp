#include "proxy/settings.hpp"

#include "chain/retry_settings.hpp"
#include "chain/world.hpp"
#include "conf/check.hpp"
#include "conf/error.hpp"
#include "conf/load.hpp"
#include "conf/units.hpp"
#include "proxy/identity_refreshers.hpp"

#include <cstdlib>

namespace countersign::proxy {

namespace {

std::optional<std::string> from_environment(const std::string& name) {
    const char* const value = std::getenv(name.c_str());
    return value ? std::optional<std::string>{value} : std::nullopt;
}

// Replaces settings, and remembers which flag did.
class flags {
public:
    explicit flags(conf::config& c) noexcept : config_(c) {}
    void replace(std::string& setting, const std::string& given, const char* key, const char* flag) {
        if (!given.empty()) {
            setting = given;
            note(key, flag);
        }
    }
    void note(const char* key, const char* flag) { config_.origins[key] = flag; }

private:
    conf::config& config_;
};

conf::log_level parse_level(const std::string& name) {
    using enum conf::log_level;
    return name == "debug" ? debug : name == "warn" ? warn : name == "error" ? error : name == "off" ? off : info;
}

// What the AWS tools read from the profile holds here too, where neither the file nor the environment says anything.
void ask_profile(conf::config& c) {
    if (c.origins.contains("retry.mode") && c.origins.contains("retry.max_attempts")) {
        return;
    }
    boost::asio::io_context context{1};
    const chain::system_world outside(context);
    const auto said = chain::retries_in_profile(outside, chain_settings_of(c));
    if (!said) {
        throw conf::error(said.error().detail);
    }
    if (said->mode && c.origins.try_emplace("retry.mode", said->mode->where).second) {
        const bool is_adaptive = said->mode->value == chain::retry_style::adaptive;
        c.retry.mode = is_adaptive ? conf::retry_mode::adaptive : conf::retry_mode::standard;
    }
    if (said->max_attempts && c.origins.try_emplace("retry.max_attempts", said->max_attempts->where).second) {
        c.retry.max_attempts = said->max_attempts->value;
    }
}

} // namespace

conf::config load_settings(const serve_arguments& a) {
    conf::config c = conf::load_file(a.config, from_environment);
    flags by(c);
    if (!a.listen.empty()) {
        c.listen.address.clear();
        for (const std::string& address : a.listen) {
            c.listen.address.push_back(conf::parse_endpoint(address, "--listen"));
        }
        by.note("listen.address", "--listen");
    }
    if (!a.admin.empty()) {
        c.admin.address = a.admin == "off" ? std::nullopt : std::optional(conf::parse_endpoint(a.admin, "--admin"));
        by.note("admin.address", "--admin");
    }
    conf::credential_settings& who = c.credentials;
    by.replace(who.profile, a.profile, "credentials.profile", "--profile");
    who.profile_is_explicit = who.profile_is_explicit || !a.profile.empty();
    by.replace(who.region, a.region, "credentials.region", "--region");
    by.replace(who.access_key_id, a.access_key_id, "credentials.access_key_id", "--access-key-id");
    by.replace(
        who.secret_access_key_file,
        a.secret_access_key_file,
        "credentials.secret_access_key_file",
        "--secret-access-key-file"
    );
    if (!a.log_level.empty()) {
        c.log.level = parse_level(a.log_level);
        by.note("log.level", "--log-level");
    }
    if (!a.log_format.empty()) {
        c.log.format = a.log_format == "json" ? conf::log_format::json : conf::log_format::text;
        by.note("log.format", "--log-format");
    }
    ask_profile(c);
    conf::check(c);
    return c;
}

} // namespace countersign::proxy
