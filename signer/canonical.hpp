// The canonical request (AWS's signing guide, step 1): the one text that signer and verifier must agree on byte
// by byte. Each part has a bound to reserve and a put_… that writes into that room; nothing here allocates by
// itself. Pure and total: any bytes have a canonical form, though what is ugly may not verify. Any thread.
#pragma once

#include "signer/encode.hpp"
#include "signer/request.hpp"
#include "signer/service_traits.hpp"

#include <cstddef>
#include <memory_resource>
#include <span>
#include <string_view>

namespace countersign::signer {

// --- Path
// -------------------------------------------------------------------------------------------------------------

// Most bytes that the canonical form of `path` can have.
constexpr std::size_t canonical_path_bound(std::string_view path) noexcept {
    return 3 * path.size() + 1;
}

// path_rule::standard: /a//b/./c/../d e%20 → /a/b/d%20e%2520. path_rule::s3: as it stands. "" → /.
void put_canonical_path(std::string_view path, path_rule rule, pen& out) noexcept;

// --- Query
// ------------------------------------------------------------------------------------------------------------

// Percent-encoded name and value.
struct query_pair {
    std::string_view name;
    std::string_view value;
};

// Calls visit(name, value, has_equals) for each pair that is not empty, in their order: a=1&&b → (a,1,true),
// (b,"",false).
template <class Visit>
void for_each_pair(std::string_view query, Visit&& visit) {
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view pair = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
        if (!pair.empty()) {
            const std::size_t equals = pair.find('=');
            const bool has_equals = equals != std::string_view::npos;
            visit(pair.substr(0, equals), has_equals ? pair.substr(equals + 1) : std::string_view(), has_equals);
        }
    }
}

// Most pairs that `query` can hold.
constexpr std::size_t query_pairs_bound(std::string_view query) noexcept {
    return query.empty() ? 0 : query.size() / 2 + 1;
}

// Most bytes that the names and values of `query` can have when they are encoded anew.
constexpr std::size_t query_text_bound(std::string_view query) noexcept {
    return 3 * query.size();
}

// Decodes and encodes each pair: name and value are written with `out`, the pairs to `pairs`. Returns how
// many. A raw '+' is a blank (section 3, "Take"): A=b+c → A=b%20c.
std::size_t read_query(std::string_view query, query_pair* pairs, pen& out) noexcept;

// Sorts by name, then value, bytewise as encoded.
void sort_query(std::span<query_pair> pairs) noexcept;

// --- Headers
// ----------------------------------------------------------------------------------------------------------

// Trims, and makes one blank of each run of white space: "  a   b " → "a b". At most value.size() bytes.
void put_header_value(std::string_view value, pen& out) noexcept;

// Sorts by name; headers of the same name keep their order. REQUIRES: names are in lower case.
void sort_headers(std::span<header> headers, std::pmr::memory_resource& memory);

// --- All of it
// --------------------------------------------------------------------------------------------------------

struct canonical_parts {
    std::string_view method;
    std::string_view path;
    path_rule rule = path_rule::standard;
    std::span<const query_pair> query; // sorted
    std::span<const header> headers;   // sorted, names in lower case; only those that are signed
    std::string_view payload_hash;
};

// Views into what was written.
struct canonical_text {
    std::string_view request;
    std::string_view signed_headers;
    std::string_view payload_hash;
};

// Most bytes that put_canonical_request() writes.
std::size_t canonical_request_bound(const canonical_parts& parts) noexcept;

canonical_text put_canonical_request(const canonical_parts& parts, pen& out) noexcept;

} // namespace countersign::signer
