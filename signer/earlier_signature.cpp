#include "signer/earlier_signature.hpp"

#include "signer/canonical.hpp"
#include "signer/encode.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace countersign::signer {
namespace {

constexpr std::string_view version_two_key = "awsaccesskeyid";

constexpr std::array<std::string_view, 6> beside_version_two_key{
    "expires",
    "securitytoken",
    "signature",
    "signaturemethod",
    "signatureversion",
    "timestamp",
};

constexpr std::array<std::string_view, 10> version_four{
    "x-amz-algorithm",
    "x-amz-content-sha256",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-region-set",
    "x-amz-s3session-token",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
};

// `lower` is in lower case.
bool names(std::string_view encoded, std::string_view lower) noexcept {
    std::size_t i = 0;
    for (const char expected : lower) {
        if (i >= encoded.size() || to_lower(decode_next(encoded, i, plus_sign::literal)) != expected) {
            return false;
        }
    }
    return i == encoded.size();
}

template <std::size_t Size>
bool names_any(std::string_view encoded, const std::array<std::string_view, Size>& lower) noexcept {
    return std::any_of(lower.begin(), lower.end(), [&](std::string_view one) { return names(encoded, one); });
}

bool has_version_two_key(std::string_view pairs) noexcept {
    bool found = false;
    for_each_pair(pairs, [&](std::string_view name, std::string_view, bool) {
        found = found || names(name, version_two_key);
    });
    return found;
}

bool is_of_version_two(std::string_view name) noexcept {
    return names(name, version_two_key) || names_any(name, beside_version_two_key);
}

// Writes the pairs for which `is_kept` to `out`, which may be where they come from. Returns behind the last byte.
template <class IsKept>
char* copy_pairs(std::string_view pairs, char* out, IsKept is_kept) noexcept {
    const char* const start = out;
    for_each_pair(pairs, [&](std::string_view name, std::string_view value, bool has_equals) {
        if (!is_kept(name)) {
            return;
        }
        if (out != start) {
            *out++ = '&';
        }
        const std::size_t size = name.size() + (has_equals ? 1 + value.size() : 0);
        std::memmove(out, name.data(), size);
        out += size;
    });
    return out;
}

} // namespace

std::string_view without_signature(std::string_view query, std::pmr::memory_resource& memory) {
    const bool version_two = has_version_two_key(query);
    const auto is_of_signature = [version_two](std::string_view name) {
        return names_any(name, version_four) || (version_two && is_of_version_two(name));
    };
    bool any = version_two;
    for_each_pair(query, [&](std::string_view name, std::string_view, bool) { any = any || is_of_signature(name); });
    if (!any) {
        return query;
    }
    char* const start = static_cast<char*>(memory.allocate(query.size(), 1));
    const char* const end = copy_pairs(query, start, [&](std::string_view name) { return !is_of_signature(name); });
    return {start, static_cast<std::size_t>(end - start)};
}

std::size_t remove_form_signature(std::span<char> form) noexcept {
    const std::string_view pairs(form.data(), form.size());
    if (!has_version_two_key(pairs)) {
        return form.size();
    }
    const char* const end =
        copy_pairs(pairs, form.data(), [](std::string_view name) { return !is_of_version_two(name); });
    return static_cast<std::size_t>(end - form.data());
}

} // namespace countersign::signer
