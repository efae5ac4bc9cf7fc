#include "proxy/commands/session.hpp"

#include "chain/chain.hpp"
#include "chain/credentials_file.hpp"
#include "chain/profile.hpp"
#include "chain/profile_choice.hpp"
#include "chain/profile_plan.hpp"
#include "chain/rfc3339.hpp"
#include "chain/sts.hpp"
#include "chain/text.hpp"
#include "proxy/commands.hpp"
#include "proxy/commands/terminal.hpp"
#include "proxy/process.hpp"
#include "proxy/wrong_usage.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>
#include <variant>
#include <vector>

namespace countersign::proxy {
namespace {

namespace asio = boost::asio;
using chain::failure;
using chain::printable;

// A failure can be made from a string too, so the result has to be told which of the two this is.
chain::result<std::string> done(std::string text) {
    return {boost::system::in_place_value, std::move(text)};
}

struct two_files {
    chain::profile_files places;
    std::optional<chain::secret> config, credentials_file;

    static std::string_view text_of(const std::optional<chain::secret>& text) { return text ? text->reveal() : ""; }
    std::optional<failure> trouble_with(const std::string& profile) const {
        return chain::trouble_with_saving(
            {places.config.native(), text_of(config)},
            {places.credentials_file.native(), text_of(credentials_file)},
            profile
        );
    }
};

chain::result<two_files> read_files(const chain::world& outside) {
    two_files files{chain::profile_files_of(outside), {}, {}};
    if (files.places.credentials_file.empty()) {
        return failure{"HOME is not set: name the file to save to with AWS_SHARED_CREDENTIALS_FILE"};
    }
    auto config = outside.read_file(files.places.config, chain::longest_ini_file);
    if (!config) {
        return config.error();
    }
    auto keys = outside.read_file(files.places.credentials_file, chain::longest_ini_file);
    if (!keys) {
        return keys.error();
    }
    files.config = *std::move(config);
    files.credentials_file = *std::move(keys);
    return files;
}

// STS: [\w+=/:,.@-]{9,256}
bool is_serial_number(std::string_view text) {
    return text.size() >= 9 && text.size() <= 256 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (chain::lower(c) >= 'a' && chain::lower(c) <= 'z') ||
                      std::string_view("_+=/:,.@-").find(c) != std::string_view::npos;
           });
}

// --serial-number, else mfa_serial of the chosen profile.
chain::result<std::string>
serial_number_for(const session_wish& wish, const chain::profile_set& profiles, const std::string& name) {
    const auto* chosen = profiles.find(name);
    const auto* said = chosen ? chosen->find("mfa_serial") : nullptr;
    if (wish.serial_number.empty() && !said) {
        return failure{fmt::format(
            "which MFA device? Give --serial-number ARN, or write mfa_serial into profile {}", printable(name)
        )};
    }
    const std::string serial = wish.serial_number.empty() ? std::string(said->value.reveal()) : wish.serial_number;
    if (!is_serial_number(serial)) {
        return failure{fmt::format(
            "{}: {} is no serial number of an MFA device, as arn:aws:iam::123456789012:mfa/me",
            wish.serial_number.empty() ? said->where : "--serial-number",
            printable(serial)
        )};
    }
    return done(serial);
}

// A role would need the code for itself, and its keys could not be used for the call anyway.
std::optional<failure> role_in(const chain::profile_set& profiles, const std::string& name) {
    const auto planned = chain::plan_profile(profiles, name);
    const auto* plan = std::get_if<chain::profile_plan>(&planned);
    if (plan == nullptr || plan->roles.empty()) {
        return std::nullopt;
    }
    return failure{fmt::format(
        "profile {} assumes a role ({}), and GetSessionToken can only be called with long-lived keys: name the profile "
        "that has them, --profile {}",
        printable(name),
        plan->roles.back().where,
        printable(plan->from->name)
    )};
}

chain::task<chain::result<chain::credentials>> long_lived_keys(chain::world& outside, chain::chain_settings settings) {
    const auto sources = chain::make_chain(settings);
    std::vector<chain::attempt> tried;
    auto keys = co_await chain::resolve(sources, outside, tried);
    if (keys && (keys->expiration || !keys->session_token.empty())) {
        co_return failure{fmt::format(
            "the keys of {} ({}) are temporary, and GetSessionToken can only be called with long-lived ones: name a "
            "profile that has them with --profile",
            keys->provider,
            chain::masked(keys->access_key_id)
        )};
    }
    co_return keys;
}

// Reads it again: somebody may have changed the file while the code was typed.
chain::result<std::string> save(chain::world& outside, const std::string& profile, const chain::credentials& session) {
    const auto files = read_files(outside);
    if (!files) {
        return files.error();
    }
    if (auto wrong = files->trouble_with(profile)) {
        return *std::move(wrong);
    }
    const auto text = chain::with_profile(two_files::text_of(files->credentials_file), profile, session);
    if (auto wrong = outside.write_file(files->places.credentials_file, text.reveal())) {
        return *std::move(wrong);
    }
    return done(fmt::format(
        "profile {} of {} has keys until {}",
        profile,
        printable(files->places.credentials_file.native(), 300),
        chain::write_rfc3339(*session.expiration)
    ));
}

} // namespace

bool is_mfa_code(std::string_view text) noexcept {
    return text.size() == 6 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

chain::task<chain::result<std::string>>
save_session(chain::world& outside, session_wish wish, code_question ask_for_code) {
    const auto files = read_files(outside);
    if (!files) {
        co_return files.error();
    }
    if (auto wrong = files->trouble_with(wish.save)) {
        co_return *std::move(wrong);
    }
    const auto profiles = chain::read_profiles(outside);
    if (!profiles) {
        co_return profiles.error();
    }
    const auto choice = chain::choose_profile(outside, wish.settings);
    if (auto wrong = chain::trouble_with(choice, *profiles)) {
        co_return *std::move(wrong);
    }
    const auto& name = choice.name;
    const auto serial = serial_number_for(wish, *profiles, name);
    if (!serial) {
        co_return serial.error();
    }
    if (auto wrong = role_in(*profiles, name)) {
        co_return *std::move(wrong);
    }
    const auto keys = co_await long_lived_keys(outside, wish.settings);
    if (!keys) {
        co_return keys.error();
    }
    const auto place = co_await chain::find_sts(outside, wish.settings, *profiles);
    if (!place) {
        co_return place.error();
    }
    auto code = wish.token_code.empty() ? ask_for_code(*serial) : chain::secret(wish.token_code);
    if (!code) {
        co_return code.error();
    }
    chain::session_request ask{wish.duration, *serial, *std::move(code)};
    const auto session = co_await chain::get_session_token(outside, *place, std::move(ask), *keys);
    if (!session) {
        co_return session.error();
    }
    co_return save(outside, wish.save, *session);
}

namespace {

chain::result<chain::secret> ask_on_terminal(const std::string& serial_number) {
    auto code = read_from_terminal(fmt::format("MFA code of {}: ", printable(serial_number, 256)));
    if (!code) {
        return failure{"there is no terminal to ask for the MFA code on: give --token-code"};
    }
    if (!is_mfa_code(*code)) {
        return failure{"an MFA code is six digits"};
    }
    return chain::secret(*code);
}

struct saved_session {
    std::optional<chain::result<std::string>> line;
};

chain::task<> carry_out(chain::world& outside, session_wish wish, saved_session& made) {
    made.line = co_await save_session(outside, std::move(wish), ask_on_terminal);
}

int run(const session_arguments& a) {
    if (!a.token_code.empty() && !is_mfa_code(a.token_code)) {
        throw wrong_usage("--token-code is six digits");
    }
    session_wish wish;
    wish.settings = {a.profile, !a.profile.empty(), "", "", a.region};
    wish.serial_number = a.serial_number;
    wish.token_code = a.token_code;
    if (a.duration_seconds) {
        wish.duration = std::chrono::seconds(*a.duration_seconds);
    }
    wish.save = a.save;
    asio::io_context control{1};
    chain::system_world outside(control);
    saved_session made;
    std::exception_ptr bug;
    asio::co_spawn(control, carry_out(outside, std::move(wish), made), [&](std::exception_ptr thrown) {
        bug = thrown;
        control.stop(); // a look-up that nobody waits for may still be under way
    });
    control.run(); // each part has a limit of its own, but for whoever types the code
    if (bug) {
        std::rethrow_exception(bug);
    }
    if (!made.line || !*made.line) {
        throw std::runtime_error(made.line ? made.line->error().detail : "nothing answered");
    }
    fmt::print("{}\n", **made.line);
    return 0;
}

} // namespace

int run_session(const session_arguments& a) {
    forbid_core_dumps();
    return exit_status_of("session", [&] { return run(a); });
}

} // namespace countersign::proxy
