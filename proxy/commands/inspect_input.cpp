#include "proxy/commands/inspect_input.hpp"

#include "chain/text.hpp"
#include "proxy/commands/take_line.hpp"
#include "proxy/commands/web_address.hpp"
#include "proxy/http/head.hpp"
#include "signer/sha256.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace countersign::proxy {
namespace {

std::string_view without_white_space(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// 'https://…' and "https://…", as copied out of a program.
std::string_view without_quotes(std::string_view text) {
    for (const char quote : {'"', '\''}) {
        if (text.size() >= 2 && text.front() == quote && text.back() == quote) {
            return text.substr(1, text.size() - 2);
        }
    }
    return text;
}

// `curl -v` writes "> " before each line that it sends, and "* " or "< " before others.
std::string without_marks_of_curl(std::string_view text) {
    std::string plain;
    while (!text.empty()) {
        std::string_view line = take_line(text);
        if (line.starts_with('*') || line.starts_with('<')) {
            continue;
        }
        if (line.starts_with('>')) {
            line.remove_prefix(line.starts_with("> ") ? 2 : 1);
        }
        plain.append(line).append("\n");
    }
    return plain;
}

bool looks_like_a_header(std::string_view line) {
    const std::size_t colon = line.find(':');
    return colon != std::string_view::npos && is_token(line.substr(0, colon)) && !line.substr(colon).starts_with("://");
}

bool looks_like_a_message(std::string_view line) {
    const std::size_t blank = line.find(' ');
    return blank != std::string_view::npos && is_token(line.substr(0, blank)) &&
           line.substr(line.rfind(' ')).starts_with(" HTTP/");
}

} // namespace

inspect_input inspect_input::read_url(std::string_view text) {
    inspect_input input;
    input.kind_ = signer::exhibit::url;
    input.take_url(without_quotes(without_white_space(text)));
    return input;
}

inspect_input inspect_input::read_any(std::string_view text) {
    inspect_input input;
    std::string_view rest = without_white_space(text);
    if (rest.empty()) {
        throw std::runtime_error("standard input is empty: give a URL, a request message or an Authorization header");
    }
    rest = rest.front() == '>' || rest.starts_with("* ") ? input.keep(without_marks_of_curl(rest))
                                                         : text.substr(text.find(rest.front()));
    std::string_view look = rest;
    const std::string_view line = take_line(look);
    if (looks_like_a_message(line)) {
        take_line(rest);
        input.take_request_line(input.keep(std::string(line)));
        input.take_head(rest);
        input.take_body(rest);
    } else if (line.starts_with("AWS4-") || line.starts_with("AWS ")) {
        input.kind_ = signer::exhibit::authorization;
        input.headers_.push_back({"authorization", input.keep(std::string(without_white_space(line)))});
    } else if (looks_like_a_header(line)) {
        input.take_head(rest);
        const bool is_alone =
            input.headers_.size() == 1 && equal_ignoring_case(input.headers_.front().name, "authorization");
        input.kind_ = is_alone ? signer::exhibit::authorization : signer::exhibit::message;
    } else {
        return read_url(rest);
    }
    input.find_host();
    return input;
}

void inspect_input::take_url(std::string_view text) {
    try {
        const std::string_view kept = keep(std::string(text));
        const web_address address = web_address::parse(kept.substr(0, kept.find('#')));
        if (kept.find('#') != std::string_view::npos) {
            faults_.emplace_back("the URL has a fragment (#...): a '#' of the path or query is written %23");
        }
        path_ = address.path;
        query_ = address.query;
        host_ = keep(address.host);
    } catch (const std::runtime_error& bad) {
        if (kind_ == signer::exhibit::url) {
            throw;
        }
        faults_.emplace_back(bad.what());
    }
}

void inspect_input::take_request_line(std::string_view line) {
    const std::size_t first = line.find(' ');
    method_ = line.substr(0, first);
    const std::string_view target = without_white_space(line.substr(first, line.rfind(' ') - first));
    if (target.empty()) {
        faults_.emplace_back("the request line has no target");
    } else if (!target.starts_with('/')) {
        take_url(target); // absolute-form, what clients send to a proxy
    } else {
        const std::size_t mark = target.find('?');
        path_ = target.substr(0, mark);
        query_ = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
    }
}

void inspect_input::take_header(std::string_view line) {
    if (chain::is_blank(line.front()) && !headers_.empty()) { // RFC 9112 5.2: a folded line
        headers_.back().value = keep(fmt::format("{} {}", headers_.back().value, chain::trimmed(line)));
        return;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
        faults_.emplace_back("the head has a line that is not NAME: VALUE");
        return;
    }
    const std::string_view kept = keep(std::string(line));
    headers_.push_back({kept.substr(0, colon), chain::trimmed(kept.substr(colon + 1))});
}

void inspect_input::take_head(std::string_view& rest) {
    while (!rest.empty()) {
        const std::string_view line = take_line(rest);
        if (line.empty()) {
            return;
        }
        take_header(line);
    }
}

// Content-Length decides where there is one; else all that is left, without the line ends that a shell adds.
void inspect_input::take_body(std::string_view rest) {
    const auto named = [&](std::string_view name) {
        return std::find_if(headers_.begin(), headers_.end(), [&](const signer::header& field) {
            return equal_ignoring_case(field.name, name);
        });
    };
    const auto length_field = named("content-length");
    if (length_field != headers_.end()) {
        std::size_t length = 0;
        const std::string_view text = length_field->value;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
        if (error != std::errc() || end != text.data() + text.size()) {
            faults_.emplace_back("Content-Length is not a number");
            return;
        }
        if (length > without_white_space(rest).size() && length > rest.size()) {
            if (!without_white_space(rest).empty()) {
                faults_.push_back(fmt::format("the body has {} bytes, Content-Length says {}", rest.size(), length));
            }
            return;
        }
        rest = rest.substr(0, length);
    } else if (without_white_space(rest).empty()) {
        return;
    }
    if (named("transfer-encoding") == headers_.end()) {
        std::string hex(64, '\0');
        signer::write_hex(signer::sha256_of(rest), hex.data());
        body_hash_ = keep(std::move(hex));
    }
}

void inspect_input::find_host() {
    const auto is_host = [](const signer::header& field) { return equal_ignoring_case(field.name, "host"); };
    const auto count = std::count_if(headers_.begin(), headers_.end(), is_host);
    if (kind_ != signer::exhibit::message) {
        return;
    }
    if (count != 1) {
        faults_.emplace_back(
            count == 0 ? "the message has no Host header" : "the message has more than one Host header"
        );
        return;
    }
    const std::string_view written = std::find_if(headers_.begin(), headers_.end(), is_host)->value;
    try {
        host_ = keep(web_address::parse(written).host);
    } catch (const std::runtime_error&) {
        faults_.emplace_back("the Host header is no host name");
    }
}

signer::inspected_request inspect_input::request() const {
    signer::inspected_request seen;
    seen.kind = kind_;
    seen.what = {method_, path_, query_, headers_, ""};
    seen.host = host_;
    if (!body_hash_.empty()) {
        seen.body_hash = body_hash_;
    }
    return seen;
}

} // namespace countersign::proxy
