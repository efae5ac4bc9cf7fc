#include "proxy/commands/sign_message.hpp"

#include "proxy/commands/take_line.hpp"
#include "signer/encode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace countersign::proxy {
namespace {

constexpr std::string_view blanks = " \t";

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(blanks);
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool is_token(std::string_view text) {
    constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return signer::contains(signer::unreserved, c) || others.find(c) != std::string_view::npos;
    });
}

bool holds_control_byte(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f';
    });
}

// GET /a b?c=d HTTP/1.1: the target is all between the first and the last blank, so a raw blank in it is
// kept.
void parse_request_line(std::string_view line, message& m) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) {
        throw std::runtime_error("line 1 is not METHOD TARGET HTTP/1.1");
    }
    m.method = line.substr(0, first);
    m.version = line.substr(last + 1);
    const std::string_view target = line.substr(first + 1, last - first - 1);
    if (!is_token(m.method)) {
        throw std::runtime_error("line 1: the method is not a token");
    }
    if (m.version != "HTTP/1.1" && m.version != "HTTP/1.0") {
        throw std::runtime_error("line 1 does not end with HTTP/1.1");
    }
    if (!target.starts_with('/') || holds_control_byte(target)) {
        throw std::runtime_error("line 1: the target does not begin with '/'");
    }
    const std::size_t mark = target.find('?');
    m.path = target.substr(0, mark);
    m.query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

// RFC 9112 section 5.2: a line that begins with a blank continues the value before it.
void unfold(std::string_view line, message& m, std::size_t number) {
    if (m.headers.empty()) {
        throw std::runtime_error(fmt::format("line {}: a header cannot begin with a blank", number));
    }
    std::string_view& value = m.headers.back().value;
    m.unfolded.push_back(fmt::format("{} {}", value, trimmed(line)));
    value = trimmed(m.unfolded.back());
}

void parse_headers(std::string_view& rest, message& m) {
    for (std::size_t number = 2; !rest.empty(); ++number) {
        const std::string_view line = take_line(rest);
        if (line.empty()) {
            return;
        }
        if (holds_control_byte(line)) {
            throw std::runtime_error(fmt::format("line {} holds a control character", number));
        }
        if (blanks.find(line.front()) != std::string_view::npos) {
            unfold(line, m, number);
            continue;
        }
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
            throw std::runtime_error(fmt::format("line {} is not NAME: VALUE", number));
        }
        m.headers.push_back({line.substr(0, colon), trimmed(line.substr(colon + 1))});
    }
}

// Content-Length decides where there is one (a here-document adds a newline of its own); else all that is
// left.
std::string_view take_body(std::string_view rest, const message& m) {
    if (m.find("transfer-encoding")) {
        throw std::runtime_error("a body with Transfer-Encoding cannot be signed here: give it plain");
    }
    const auto length_text = m.find("content-length");
    if (!length_text) {
        return rest;
    }
    std::size_t length = 0;
    const char* const end = length_text->data() + length_text->size();
    const auto [stop, error] = std::from_chars(length_text->data(), end, length);
    if (error != std::errc() || stop != end) {
        throw std::runtime_error("Content-Length is not a number");
    }
    if (length > rest.size()) {
        throw std::runtime_error(fmt::format("the body has {} bytes, Content-Length says {}", rest.size(), length));
    }
    return rest.substr(0, length);
}

} // namespace

message message::parse(std::string_view text) {
    message m;
    const std::size_t first_end = text.find('\n');
    m.line_end = first_end != std::string_view::npos && first_end > 0 && text[first_end - 1] == '\r' ? "\r\n" : "\n";
    parse_request_line(take_line(text), m);
    parse_headers(text, m);
    const auto hosts = std::count_if(m.headers.begin(), m.headers.end(), [](const signer::header& field) {
        return signer::equals_ignoring_case(field.name, "host");
    });
    if (hosts != 1) {
        throw std::runtime_error(hosts == 0 ? "the message has no Host header" : "the message has two Host headers");
    }
    m.body = take_body(text, m);
    return m;
}

std::optional<std::string_view> message::find(std::string_view lower_name) const {
    for (const signer::header& field : headers) {
        if (signer::equals_ignoring_case(field.name, lower_name)) {
            return field.value;
        }
    }
    return std::nullopt;
}

std::string message::text() const {
    std::string all = fmt::format("{} {}{}{} {}{}", method, path, query.empty() ? "" : "?", query, version, line_end);
    for (const signer::header& field : headers) {
        all += fmt::format("{}: {}{}", field.name, field.value, line_end);
    }
    all += line_end;
    all += body;
    return all;
}

} // namespace countersign::proxy
