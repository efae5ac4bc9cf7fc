// --access-key-id with --secret-access-key-file: the secret itself is never an argument, where every user of
// the machine could read it.
#include "chain/provider.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>

#include <utility>

namespace countersign::chain {

namespace {

class command_line_provider final : public provider {
public:
    explicit command_line_provider(chain_settings settings) : settings_(std::move(settings)) {}

    std::string_view name() const noexcept override { return "command_line"; }
    sight look(const world&) const override;
    task<answer> fetch(world& outside) override { co_return found_in(outside); }

private:
    answer found_in(const world& outside) const;

    chain_settings settings_;
};

sight command_line_provider::look(const world&) const {
    const auto& id = settings_.access_key_id;
    sight s;
    s.configured = !id.empty() || !settings_.secret_access_key_file.empty();
    s.seen.push_back("--access-key-id " + (id.empty() ? "is not given" : masked(id)));
    if (!settings_.secret_access_key_file.empty()) {
        s.seen.push_back("--secret-access-key-file " + printable(settings_.secret_access_key_file, 300));
    }
    return s;
}

answer command_line_provider::found_in(const world& outside) const {
    const auto& file = settings_.secret_access_key_file;
    if (settings_.access_key_id.empty() && file.empty()) {
        return not_mine{"no keys on the command line"};
    }
    if (settings_.access_key_id.empty() || file.empty()) {
        return failure{"--access-key-id and --secret-access-key-file go together"};
    }
    const auto text = outside.read_file(file, longest_token_file);
    if (!text) {
        return text.error();
    }
    if (!*text) {
        return failure{fmt::format("--secret-access-key-file {}: no such file", printable(file, 300))};
    }
    std::string_view key = (*text)->reveal();
    if (const auto encoding = foreign_encoding(key); !encoding.empty()) {
        return failure{in_wrong_encoding("--secret-access-key-file " + printable(file, 300), encoding)};
    }
    // An editor ends the line; that is no part of the key.
    while (key.ends_with('\n') || key.ends_with('\r')) {
        key.remove_suffix(1);
    }
    return static_keys("command_line", printable(file, 300), settings_.access_key_id, secret(key), secret{});
}

} // namespace

std::unique_ptr<provider> command_line_source(const chain_settings& settings) {
    return std::make_unique<command_line_provider>(settings);
}

} // namespace countersign::chain
