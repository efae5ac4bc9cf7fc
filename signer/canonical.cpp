#include "signer/canonical.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace countersign::signer {
namespace {

constexpr bool is_normalized(path_rule rule) noexcept {
    return rule == path_rule::standard || rule == path_rule::normalized_only;
}
constexpr bool is_encoded_again(path_rule rule) noexcept {
    return rule == path_rule::standard || rule == path_rule::encoded_only;
}

// "//" and "/." may be more than a normal path; everything else is normal already.
bool may_need_normalizing(std::string_view path) noexcept {
    if (path.front() != '/') {
        return true;
    }
    char before = 0;
    bool found = false;
    for (const char c : path) {
        found |= before == '/' && (c == '/' || c == '.');
        before = c;
    }
    return found;
}

// RFC 3986 section 5.2.4, with empty segments dropped too. Writes at most path.size() + 1 bytes.
void put_normalized(std::string_view path, pen& out) noexcept {
    char* const start = out.at();
    bool any = false;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string_view segment = path.substr(at, end - at);
        at = end + 1;
        if (segment.empty() || segment == ".") {
            continue;
        }
        if (segment == "..") {
            const std::string_view written = out.since(start);
            const std::size_t slash = written.rfind('/');
            out = pen(start + (slash == std::string_view::npos ? 0 : slash));
            any = out.at() != start;
            continue;
        }
        out.put('/');
        out.put(segment);
        any = true;
    }
    // "/a/." ends like "/a": only a slash that was sent stays, as in aws-c-auth and botocore.
    if (!any || path.back() == '/') {
        out.put('/');
    }
}

void put_maybe_encoded(std::string_view path, path_rule rule, pen& out) noexcept {
    if (!is_encoded_again(rule) || consists_of(unreserved_and_slash, path)) {
        out.put(path);
    } else {
        out.put_encoded(path, unreserved_and_slash);
    }
}

constexpr bool is_space(char c) noexcept {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// Eight bytes at a time: is there one that is a blank or a control? Most values have none and are copied
// whole.
bool has_blank(std::string_view text) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101;
    const char* at = text.data();
    std::size_t left = text.size();
    std::uint64_t found = 0;
    for (; left >= 8; at += 8, left -= 8) {
        std::uint64_t word;
        std::memcpy(&word, at, 8);
        found |= (word - ones * 0x21) & ~word & (ones * 0x80); // a byte below 0x21 sets its top bit
    }
    bool in_rest = false;
    for (; left > 0; --left) {
        in_rest |= static_cast<unsigned char>(*at++) <= ' ';
    }
    return found != 0 || in_rest;
}

template <class T, class Less>
void insertion_sort(std::span<T> items, Less less) noexcept {
    for (std::size_t i = 1; i < items.size(); ++i) {
        const T item = items[i];
        std::size_t j = i;
        for (; j > 0 && less(item, items[j - 1]); --j) {
            items[j] = items[j - 1];
        }
        items[j] = item;
    }
}

// Up to here insertion sort is the fastest; beyond it an attacker could make it slow.
constexpr std::size_t few = 32;

bool name_less(const header& a, const header& b) noexcept {
    return a.name < b.name;
}

bool pair_less(const query_pair& a, const query_pair& b) noexcept {
    const int order = a.name.compare(b.name);
    return order != 0 ? order < 0 : a.value < b.value;
}

void put_query(std::span<const query_pair> pairs, pen& out) noexcept {
    bool first = true;
    for (const query_pair& pair : pairs) {
        if (!first) {
            out.put('&');
        }
        first = false;
        out.put(pair.name);
        out.put('='); // also where there was none
        out.put(pair.value);
    }
}

// a:1 and a:2 → "a:1,2\n"
void put_headers(std::span<const header> headers, pen& out) noexcept {
    for (std::size_t i = 0; i < headers.size(); ++i) {
        if (i > 0 && headers[i].name == headers[i - 1].name) {
            out = pen(out.at() - 1); // over the newline
            out.put(',');
        } else {
            out.put(headers[i].name);
            out.put(':');
        }
        put_header_value(headers[i].value, out);
        out.put('\n');
    }
}

void put_names(std::span<const header> headers, pen& out) noexcept {
    for (std::size_t i = 0; i < headers.size(); ++i) {
        if (i > 0 && headers[i].name == headers[i - 1].name) {
            continue;
        }
        if (i > 0) {
            out.put(';');
        }
        out.put(headers[i].name);
    }
}

} // namespace

void put_canonical_path(std::string_view path, path_rule rule, pen& out) noexcept {
    if (path.empty()) {
        out.put('/');
        return;
    }
    if (!is_normalized(rule) || !may_need_normalizing(path)) {
        put_maybe_encoded(path, rule, out);
        return;
    }
    if (!is_encoded_again(rule)) {
        put_normalized(path, out);
        return;
    }
    // The normal form is written to the end of the room (3n + 1 bytes) and encoded from there to its
    // beginning: the reader is never overtaken, for n bytes become at most 3n.
    char* const start = out.at();
    pen end(start + 2 * path.size());
    const char* const normalized_start = end.at();
    put_normalized(path, end);
    out.put_encoded(end.since(normalized_start), unreserved_and_slash);
}

std::size_t read_query(std::string_view query, query_pair* pairs, pen& out) noexcept {
    std::size_t count = 0;
    for_each_pair(query, [&](std::string_view name, std::string_view value, bool) {
        const auto put = [&](std::string_view text) {
            const char* const start = out.at();
            out.put_reencoded(text, unreserved, plus_sign::blank);
            return out.since(start);
        };
        query_pair& pair = pairs[count++];
        pair.name = put(name);
        pair.value = put(value);
    });
    return count;
}

void sort_query(std::span<query_pair> pairs) noexcept {
    if (pairs.size() <= few) {
        insertion_sort(pairs, pair_less);
    } else {
        std::sort(pairs.begin(), pairs.end(), pair_less); // equal pairs are equal texts: no need to be stable
    }
}

void put_header_value(std::string_view value, pen& out) noexcept {
    if (!has_blank(value)) {
        out.put(value);
        return;
    }
    bool blank_due = false;
    bool begun = false;
    for (const char c : value) {
        if (is_space(c)) {
            blank_due = begun;
            continue;
        }
        if (blank_due) {
            out.put(' ');
            blank_due = false;
        }
        out.put(c);
        begun = true;
    }
}

void sort_headers(std::span<header> headers, std::pmr::memory_resource& memory) {
    if (headers.size() <= few) {
        insertion_sort(headers, name_less);
        return;
    }
    // Stable without std::stable_sort's own buffer: the position decides between equal names.
    struct placed {
        header field;
        std::size_t position;
    };
    std::pmr::vector<placed> order(&memory);
    order.reserve(headers.size());
    for (const header& field : headers) {
        order.push_back({field, order.size()});
    }
    std::sort(order.begin(), order.end(), [](const placed& a, const placed& b) {
        const int names = a.field.name.compare(b.field.name);
        return names != 0 ? names < 0 : a.position < b.position;
    });
    for (std::size_t i = 0; i < order.size(); ++i) {
        headers[i] = order[i].field;
    }
}

std::size_t canonical_request_bound(const canonical_parts& parts) noexcept {
    std::size_t bound = parts.method.size() + canonical_path_bound(parts.path) + parts.payload_hash.size() + 8;
    for (const query_pair& pair : parts.query) {
        bound += pair.name.size() + pair.value.size() + 2;
    }
    for (const header& field : parts.headers) {
        bound += 2 * field.name.size() + field.value.size() + 3;
    }
    return bound;
}

canonical_text put_canonical_request(const canonical_parts& parts, pen& out) noexcept {
    canonical_text text;
    const char* const start = out.at();
    out.put(parts.method);
    out.put('\n');
    put_canonical_path(parts.path, parts.rule, out);
    out.put('\n');
    put_query(parts.query, out);
    out.put('\n');
    put_headers(parts.headers, out);
    out.put('\n');
    const char* const names = out.at();
    put_names(parts.headers, out);
    text.signed_headers = out.since(names);
    out.put('\n');
    const char* const payload = out.at();
    out.put(parts.payload_hash);
    text.payload_hash = out.since(payload);
    text.request = out.since(start);
    return text;
}

} // namespace countersign::signer
