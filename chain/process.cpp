// credential_process: a command of the user's that prints credentials. Neither the command nor what it prints is
// ever shown: both may hold secrets.
#include "chain/answer.hpp"
#include "chain/chain.hpp"
#include "chain/profile_sources.hpp"
#include "chain/rfc3339.hpp"
#include "chain/secret_json.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace countersign::chain {

namespace {

constexpr auto longest_run = longest_load - std::chrono::seconds(5); // so that it is this limit that is met

// Lines become one: " a\n b\n" → "a  b".
std::string on_one_line(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' '
    );
    return printable(trimmed(text), 300);
}

result<credentials> keys_in(std::string_view text, const world& outside) {
    const auto object = read_secret_json(text, "its output");
    if (!object) {
        return object.error();
    }
    if (number_in(*object, "Version") != 1) {
        return failure{"Version in its output is not the number 1"};
    }
    key_form form;
    form.what = "its output";
    form.token = "SessionToken";
    form.token_rule = form.expiration_rule = key_form::rule::optional;
    auto keys = read_keys(*object, form, "profile");
    if (keys && keys->expired_at(outside.now())) {
        return failure{"it gives credentials that expired at " + write_rfc3339(*keys->expiration), true};
    }
    return keys;
}

} // namespace

task<answer> command_credentials(world& outside, profile_place place) {
    const auto wrong = [](std::string_view what, bool retryable) {
        return failure{fmt::format("credential_process: {}", what), retryable};
    };
    const auto* command = place.from.find("credential_process");
    if (!command) {
        co_return not_mine{fmt::format("profile {} has no credential_process", printable(place.from.name))};
    }
    const auto reply = co_await outside.run(std::string(command->value.reveal()), longest_run);
    if (!reply) {
        co_return wrong(reply.error().detail, reply.error().retryable);
    }
    if (reply->status != 0) {
        const auto complaint = on_one_line(reply->complaint);
        co_return wrong(
            fmt::format(
                "it ended with status {}{}{}",
                reply->status,
                complaint.empty() ? " and said nothing on standard error" : ": ",
                complaint
            ),
            true
        );
    }
    auto keys = keys_in(reply->output.reveal(), outside);
    if (!keys) {
        co_return wrong(keys.error().detail, keys.error().retryable);
    }
    if (const auto account = place.from.value("aws_account_id"); keys->account_id.empty() && is_visible(account)) {
        keys->account_id = account;
    }
    co_return *std::move(keys);
}

std::vector<std::string> see_command(const world&, profile_place place) {
    const auto* command = place.from.find("credential_process");
    if (!command) {
        return {};
    }
    return {fmt::format("credential_process ({}): a command, not shown, run with sh", command->where)};
}

} // namespace countersign::chain
