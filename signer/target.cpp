#include "signer/target.hpp"

#include "signer/canonical.hpp"
#include "signer/encode.hpp"

#include <algorithm>

namespace countersign::signer {
namespace {

constexpr byte_set make_uri_bytes() {
    byte_set set{};
    for (unsigned c = 0x21; c < 0x7f; ++c) {
        set[c] = true;
    }
    return set;
}

// What may stand in a request target at all.
constexpr byte_set uri_bytes = make_uri_bytes();

char* room_for(std::size_t bytes, std::pmr::memory_resource& memory) {
    return static_cast<char*>(memory.allocate(std::max<std::size_t>(bytes, 1), 1));
}

// Already decoded once and encoded again? Each %XX has to be upper-case and to stand for a byte outside of
// `kept`.
bool is_in_wire_form(std::string_view text, const byte_set& kept) noexcept {
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t begin = i;
        const char byte = decode_next(text, i, plus_sign::literal);
        if (i - begin == 1) {
            if (!contains(kept, byte)) {
                return false;
            }
            continue;
        }
        const bool upper = text[begin + 1] < 'a' && text[begin + 2] < 'a';
        if (!upper || contains(kept, byte)) {
            return false;
        }
    }
    return true;
}

bool is_query_in_wire_form(std::string_view query) noexcept {
    if (query.empty()) {
        return true;
    }
    bool right = query.front() != '&' && query.back() != '&' && query.find("&&") == std::string_view::npos;
    for_each_pair(query, [&](std::string_view name, std::string_view value, bool) {
        right = right && is_in_wire_form(name, unreserved) && is_in_wire_form(value, unreserved);
    });
    return right;
}

} // namespace

std::string_view wire_path(std::string_view path, path_rule rule, std::pmr::memory_resource& memory) {
    if (rule != path_rule::s3) {
        if (consists_of(uri_bytes, path)) {
            return path;
        }
        char* const start = room_for(3 * path.size(), memory);
        pen out(start);
        out.put_encoded(path, uri_bytes);
        return out.since(start);
    }
    if (is_in_wire_form(path, unreserved_and_slash)) {
        return path;
    }
    char* const start = room_for(3 * path.size(), memory);
    pen out(start);
    out.put_reencoded(path, unreserved_and_slash, plus_sign::literal);
    return out.since(start);
}

std::string_view wire_query(std::string_view query, std::pmr::memory_resource& memory) {
    if (is_query_in_wire_form(query)) {
        return query;
    }
    char* const start = room_for(3 * query.size(), memory);
    pen out(start);
    for_each_pair(query, [&](std::string_view name, std::string_view value, bool has_equals) {
        if (out.at() != start) {
            out.put('&');
        }
        out.put_reencoded(name, unreserved, plus_sign::blank);
        if (has_equals) {
            out.put('=');
        }
        out.put_reencoded(value, unreserved, plus_sign::blank);
    });
    return out.since(start);
}

} // namespace countersign::signer
