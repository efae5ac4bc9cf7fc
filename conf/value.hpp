// One value of the configuration file with the place it stands at: every reader here either returns the value
// in the type asked for or throws conf::error with file, line and the key's full name. Values of keys that
// may hold something secret are never part of a message. Start-up code, one thread.
#pragma once

#include "conf/config.hpp"

#include <toml++/toml.h>

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::conf {

// May a message repeat what the file says here?
enum class echo : std::uint8_t { shown, hidden };

// REQUIRES: file, the node and the text of `key` outlive it.
class value {
public:
    value(std::string_view file, std::string key, const toml::node& node, echo shows = echo::shown);

    const std::string& key() const noexcept { return key_; } // "listen.address"
    int line() const noexcept;

    // Throws "FILE:LINE: KEY: problem".
    [[noreturn]] void fail(std::string_view problem) const;

    std::string text() const;
    std::string printable_text() const; // not empty, no blank or control byte in it
    bool boolean() const;
    std::string line_text() const; // no control byte in it, no blank at its ends; not empty
    std::uint64_t number(std::uint64_t least, std::uint64_t most) const;
    milliseconds duration() const;         // a text like "5s"; at least 1ms
    milliseconds duration_or_none() const; // "0s", too
    std::uint64_t size() const;            // a text like "1MiB", or a whole number of bytes
    endpoint address() const;              // "host:port"
    rate requests_in_time() const;         // a text like "100/s"
    std::vector<value> list() const;       // an array, or one value that stands for a list of itself
    bool is_table() const noexcept;
    // Names and values of an inline table; the values' keys are this one's with the name behind it.
    std::vector<std::pair<std::string, value>> members() const;

    template <class Choice>
    Choice one_of(std::span<const std::pair<std::string_view, Choice>> choices) const {
        const std::string given = text();
        std::string names;
        for (const auto& [name, choice] : choices) {
            if (name == given) {
                return choice;
            }
            names += (names.empty() ? "\"" : ", \"") + std::string(name) + "\"";
        }
        fail("\"" + given + "\" is none of " + names);
    }

private:
    // Runs a parser of units.hpp on the text and puts file and line in front of its message.
    template <class Parser>
    auto parsed_by(Parser parse) const;

    std::string_view file_;
    std::string key_;
    const toml::node* node_;
    echo shows_;
};

// "FILE:LINE: message"
[[noreturn]] void fail_at(std::string_view file, int line, std::string_view message);

} // namespace countersign::conf
