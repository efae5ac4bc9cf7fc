#include "proxy/http/head.hpp"

#include <algorithm>
#include <cstring>

namespace countersign::proxy {

namespace {

enum : unsigned char { token_char = 1, value_char = 2, target_char = 4, method_char = 8 };

constexpr std::array<unsigned char, 256> make_classes() {
    std::array<unsigned char, 256> out{};
    for (unsigned c = 0; c < 256; ++c) {
        const bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool digit = c >= '0' && c <= '9';
        const bool mark = std::string_view{"!#$%&'*+-.^_`|~"}.find(static_cast<char>(c)) != std::string_view::npos;
        unsigned char bits = 0;
        if (alpha || digit || (mark && c != 0)) {
            bits |= token_char;
        }
        if (c == '\t' || (c >= 0x20 && c != 0x7f)) {
            bits |= value_char;
        }
        if (c > 0x20 && c != 0x7f && c != '#') { // RFC 9112 3.2: no fragment
            bits |= target_char;
        }
        if ((c >= 'A' && c <= 'Z') || c == '-' || c == '_') {
            bits |= method_char;
        }
        out[c] = bits;
    }
    return out;
}
constexpr auto classes = make_classes();

bool all_of_class(std::string_view text, unsigned char wanted) noexcept {
    return std::all_of(text.begin(), text.end(), [wanted](char c) {
        return (classes[static_cast<unsigned char>(c)] & wanted) != 0;
    });
}

constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

struct known_field {
    std::string_view name;
    field_name id;
};

// By length, then name: identify() compares only names of the right length.
constexpr known_field known_fields[] = {
    {"te", field_name::te},
    {"via", field_name::via},
    {"date", field_name::amz_owned},
    {"host", field_name::host},
    {"expect", field_name::expect},
    {"origin", field_name::origin},
    {"trailer", field_name::trailer},
    {"upgrade", field_name::upgrade},
    {"connection", field_name::connection},
    {"keep-alive", field_name::keep_alive},
    {"x-amz-date", field_name::amz_owned},
    {"retry-after", field_name::retry_after},
    {"x-amz-target", field_name::amz_target},
    {"authorization", field_name::authorization},
    {"content-length", field_name::content_length},
    {"http2-settings", field_name::http2_settings},
    {"sec-fetch-site", field_name::sec_fetch_site},
    {"content-encoding", field_name::content_encoding},
    {"x-amzn-errortype", field_name::amzn_errortype},
    {"transfer-encoding", field_name::transfer_encoding},
    {"x-amz-region-set", field_name::amz_owned},
    {"x-amz-retry-after", field_name::amz_retry_after},
    {"x-amz-trailer", field_name::amz_trailer},
    {"x-amz-decoded-content-length", field_name::amz_decoded_length},
    {"x-amz-bucket-region", field_name::amz_bucket_region},
    {"proxy-authorization", field_name::proxy_authorization},
    {"x-amzn-query-error", field_name::amzn_query_error},
    {"x-amzn-authorization", field_name::amz_owned},
    {"x-amz-content-sha256", field_name::amz_content_sha256},
    {"x-amz-security-token", field_name::amz_owned},
    {"x-amz-s3session-token", field_name::amz_owned},
    {"x-countersign-dry-run", field_name::countersign_dry_run},
};

constexpr std::size_t longest_known = 28;

// For each length the first and the one-past-last entry that have it (the table is sorted here, not by hand).
struct length_index {
    std::array<known_field, std::size(known_fields)> sorted{};
    std::array<std::uint8_t, longest_known + 2> first{};
};
constexpr length_index make_index() {
    length_index out;
    std::size_t n = 0;
    for (std::size_t length = 0; length <= longest_known; ++length) {
        out.first[length] = static_cast<std::uint8_t>(n);
        for (const known_field& k : known_fields) {
            if (k.name.size() == length) {
                out.sorted[n++] = k;
            }
        }
    }
    out.first[longest_known + 1] = static_cast<std::uint8_t>(n);
    return out;
}
constexpr length_index by_length = make_index();

std::string_view trimmed(const char* begin, const char* end) noexcept {
    while (begin != end && (*begin == ' ' || *begin == '\t')) {
        ++begin;
    }
    while (end != begin && (end[-1] == ' ' || end[-1] == '\t')) {
        --end;
    }
    return {begin, static_cast<std::size_t>(end - begin)};
}

// One line without its CRLF, and the rest.
std::string_view take_line(std::string_view& rest) noexcept {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end - 1);
    rest.remove_prefix(end + 1);
    return line;
}

head_error parse_field(std::string_view line, field& out) noexcept {
    if (line.front() == ' ' || line.front() == '\t') {
        return head_error::folded_line; // RFC 9112 5.2
    }
    const char* const end = line.data() + line.size();
    const char* colon = line.data();
    while (colon != end && (classes[static_cast<unsigned char>(*colon)] & token_char)) {
        ++colon;
    }
    if (colon == line.data() || colon == end || *colon != ':') {
        return head_error::bad_field; // RFC 9112 5.1: nothing but the name before the colon
    }
    out.name = {line.data(), static_cast<std::size_t>(colon - line.data())};
    out.value = trimmed(colon + 1, end);
    if (!all_of_class(out.value, value_char)) {
        return head_error::bad_field;
    }
    out.id = identify(out.name);
    out.stays_here = false;
    return head_error::none;
}

head_error parse_fields(std::string_view rest, field_array& room, std::span<field>& out) noexcept {
    std::size_t n = 0;
    for (;;) {
        const std::string_view line = take_line(rest);
        if (line.empty()) {
            break;
        }
        if (n == room.size()) {
            return head_error::too_many_fields;
        }
        if (const head_error e = parse_field(line, room[n]); e != head_error::none) {
            return e;
        }
        ++n;
    }
    out = {room.data(), n};
    return head_error::none;
}

// "HTTP/1.1" → 1, "HTTP/1.0" → 0
head_error parse_version(std::string_view text, unsigned& minor) noexcept {
    if (text == "HTTP/1.1") {
        minor = 1;
    } else if (text == "HTTP/1.0") {
        minor = 0;
    } else {
        return text.starts_with("HTTP/") ? head_error::bad_version : head_error::bad_start_line;
    }
    return head_error::none;
}

} // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool is_token(std::string_view text) noexcept {
    return !text.empty() && all_of_class(text, token_char);
}

field_name identify(std::string_view name) noexcept {
    const std::size_t n = name.size();
    if (n <= longest_known) {
        for (std::size_t i = by_length.first[n]; i != by_length.first[n + 1]; ++i) {
            if (equal_ignoring_case(by_length.sorted[i].name, name)) {
                return by_length.sorted[i].id;
            }
        }
    }
    if (n > 6 && equal_ignoring_case(name.substr(0, 6), "proxy-")) {
        return field_name::proxy_other;
    }
    return field_name::other;
}

std::string_view to_string(head_error e) noexcept {
    switch (e) {
    case head_error::none:
        return "none";
    case head_error::bad_line_end:
        return "a line does not end in CRLF";
    case head_error::bad_start_line:
        return "the first line is malformed";
    case head_error::bad_version:
        return "the version is neither HTTP/1.1 nor HTTP/1.0";
    case head_error::bad_field:
        return "a header field is malformed";
    case head_error::folded_line:
        return "a header field is folded over several lines";
    case head_error::target_too_long:
        return "the request target is too long";
    case head_error::line_too_long:
        return "a header field is too long";
    case head_error::too_many_fields:
        return "there are too many header fields";
    case head_error::head_too_long:
        return "the head is too long";
    }
    return "malformed";
}

head_scanner::state head_scanner::scan(std::string_view bytes) noexcept {
    while (position_ < bytes.size()) {
        const void* const found = std::memchr(bytes.data() + position_, '\n', bytes.size() - position_);
        const std::size_t end =
            found ? static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data()) : bytes.size();
        if (end - line_start_ > head_limits::line) {
            error_ = line_start_ == 0 ? head_error::target_too_long : head_error::line_too_long;
            return state::broken;
        }
        if (!found) {
            position_ = bytes.size();
            break;
        }
        if (end == line_start_ || bytes[end - 1] != '\r') {
            error_ = head_error::bad_line_end;
            return state::broken;
        }
        const bool empty_line = end == line_start_ + 1;
        position_ = line_start_ = end + 1;
        if (position_ > head_limits::head) {
            break;
        }
        if (empty_line) {
            return state::complete;
        }
    }
    if (position_ > head_limits::head) {
        error_ = head_error::head_too_long;
        return state::broken;
    }
    return state::more;
}

head_error parse_request(std::string_view head, field_array& room, request_head& out) noexcept {
    const std::string_view line = take_line(head);
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last || first == 0 || first > 32) {
        return head_error::bad_start_line;
    }
    out.method = line.substr(0, first);
    out.target = line.substr(first + 1, last - first - 1);
    if (out.target.empty()) { // "GET  HTTP/1.1": RFC 9112 3.2 has no empty target
        return head_error::bad_start_line;
    }
    // Methods are case-sensitive (RFC 9110 9.1); one that is not all capitals is a mistake or an attack.
    if (!all_of_class(out.method, method_char) || !all_of_class(out.target, target_char)) {
        return head_error::bad_start_line;
    }
    if (const head_error e = parse_version(line.substr(last + 1), out.minor_version); e != head_error::none) {
        return e;
    }
    return parse_fields(head, room, out.fields);
}

head_error parse_response(std::string_view head, field_array& room, response_head& out) noexcept {
    const std::string_view line = take_line(head);
    if (line.size() < 12 || line[8] != ' ') {
        return head_error::bad_start_line;
    }
    if (const head_error e = parse_version(line.substr(0, 8), out.minor_version); e != head_error::none) {
        return e;
    }
    out.status = 0;
    for (const char c : line.substr(9, 3)) {
        if (c < '0' || c > '9') {
            return head_error::bad_start_line;
        }
        out.status = out.status * 10 + static_cast<unsigned>(c - '0');
    }
    if (out.status < 100 || out.status > 599 || (line.size() > 12 && line[12] != ' ')) {
        return head_error::bad_start_line;
    }
    out.reason = line.size() > 13 ? line.substr(13) : std::string_view{};
    if (!all_of_class(out.reason, value_char)) {
        return head_error::bad_start_line;
    }
    return parse_fields(head, room, out.fields);
}

} // namespace countersign::proxy
