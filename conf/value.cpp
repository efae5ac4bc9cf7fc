#include "conf/value.hpp"

#include "conf/error.hpp"
#include "conf/units.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace countersign::conf {
namespace {

std::string_view kind_of(const toml::node& node) {
    switch (node.type()) {
    case toml::node_type::table:
        return "a table";
    case toml::node_type::array:
        return "a list";
    case toml::node_type::string:
        return "a text";
    case toml::node_type::integer:
        return "a whole number";
    case toml::node_type::floating_point:
        return "a number with a fraction";
    case toml::node_type::boolean:
        return "true or false";
    default:
        return "a date or time";
    }
}

} // namespace

void fail_at(std::string_view file, int line, std::string_view message) {
    throw error(fmt::format("{}:{}: {}", file, line, message));
}

value::value(std::string_view file, std::string key, const toml::node& node, echo shows)
    : file_(file), key_(std::move(key)), node_(&node), shows_(shows) {}

int value::line() const noexcept {
    return static_cast<int>(node_->source().begin.line);
}

void value::fail(std::string_view problem) const {
    fail_at(file_, line(), fmt::format("{}: {}", key_, problem));
}

std::string value::text() const {
    const auto* found = node_->as_string();
    if (found == nullptr) {
        fail(fmt::format("expected a text in quotes, found {}", kind_of(*node_)));
    }
    return found->get();
}

std::string value::printable_text() const {
    std::string found = text();
    const auto is_odd = [](char c) { return c <= ' ' || c == '\x7f'; };
    if (found.empty() || std::any_of(found.begin(), found.end(), is_odd)) {
        fail("the text is empty or holds a blank or control character; leave the key out for its default");
    }
    return found;
}

bool value::boolean() const {
    const auto* found = node_->as_boolean();
    if (found == nullptr) {
        fail(fmt::format("expected true or false without quotes, found {}", kind_of(*node_)));
    }
    return found->get();
}

std::uint64_t value::number(std::uint64_t least, std::uint64_t most) const {
    const auto* found = node_->as_integer();
    if (found == nullptr) {
        fail(fmt::format("expected a whole number, found {}", kind_of(*node_)));
    }
    const std::int64_t n = found->get();
    if (n < 0 || static_cast<std::uint64_t>(n) < least || static_cast<std::uint64_t>(n) > most) {
        fail(fmt::format("{} is not between {} and {}", n, least, most));
    }
    return static_cast<std::uint64_t>(n);
}

template <class Parser>
auto value::parsed_by(Parser parse) const {
    const std::string found = text();
    try {
        return parse(found, key_);
    } catch (const error& e) {
        if (shows_ == echo::hidden) {
            fail("the value is not of the form that this key takes");
        }
        fail_at(file_, line(), e.what());
    }
}

milliseconds value::duration_or_none() const {
    return parsed_by(parse_duration);
}

milliseconds value::duration() const {
    const milliseconds found = duration_or_none();
    if (found.count() == 0) {
        fail("must be longer than nothing");
    }
    return found;
}

std::uint64_t value::size() const {
    if (node_->is_integer()) {
        return number(0, std::numeric_limits<std::int64_t>::max());
    }
    return parsed_by(parse_size);
}

endpoint value::address() const {
    return parsed_by(parse_endpoint);
}

rate value::requests_in_time() const {
    return parsed_by(parse_rate);
}

std::string value::line_text() const {
    std::string found = text();
    const auto is_odd = [](char c) { return c < ' ' || c > '~'; };
    if (found.empty() || found.front() == ' ' || found.back() == ' ' ||
        std::any_of(found.begin(), found.end(), is_odd)) {
        fail("the text is empty, has a blank at its ends, or holds something else than visible ASCII");
    }
    return found;
}

bool value::is_table() const noexcept {
    return node_->is_table();
}

std::vector<std::pair<std::string, value>> value::members() const {
    const auto* found = node_->as_table();
    if (found == nullptr) {
        fail(fmt::format("expected an inline table, as in {{name = \"value\"}}, found {}", kind_of(*node_)));
    }
    std::vector<std::pair<std::string, value>> all;
    for (const auto& [name, node] : *found) {
        const std::string bare(name.str());
        all.emplace_back(bare, value(file_, fmt::format("{}.{}", key_, bare), node, shows_));
    }
    return all;
}

std::vector<value> value::list() const {
    const auto* found = node_->as_array();
    if (found == nullptr) {
        return {*this};
    }
    std::vector<value> all;
    for (const toml::node& element : *found) {
        all.emplace_back(file_, key_, element, shows_);
    }
    return all;
}

} // namespace countersign::conf
