#include "proxy/sandbox/identity_token.hpp"

#include <boost/json/parse.hpp>
#include <openssl/evp.h>

#include <algorithm>
#include <vector>

namespace countersign::proxy::sandbox {

namespace {

namespace json = boost::json;

constexpr std::size_t longest_token = 20000; // STS's own limit

bool is_base64url(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

std::optional<std::string> from_base64url(std::string_view text) {
    if (!is_base64url(text) || text.size() % 4 == 1) {
        return std::nullopt;
    }
    std::string padded(text);
    std::replace(padded.begin(), padded.end(), '-', '+');
    std::replace(padded.begin(), padded.end(), '_', '/');
    const std::size_t padding = (4 - padded.size() % 4) % 4;
    padded.append(padding, '=');
    std::vector<unsigned char> bytes(padded.size() / 4 * 3);
    const auto* from = reinterpret_cast<const unsigned char*>(padded.data());
    if (EVP_DecodeBlock(bytes.data(), from, static_cast<int>(padded.size())) < 0) {
        return std::nullopt;
    }
    return std::string(bytes.begin(), bytes.end() - static_cast<std::ptrdiff_t>(padding));
}

std::optional<std::string> text_claim(const json::object& claims, std::string_view name) {
    const auto* found = claims.if_contains(name);
    const auto* text = found ? found->if_string() : nullptr;
    if (!text || text->empty() || std::any_of(text->begin(), text->end(), [](char c) { return c < ' ' || c > '~'; })) {
        return std::nullopt;
    }
    return std::string(*text);
}

} // namespace

std::optional<identity_token> read_identity_token(std::string_view token) {
    const auto first = token.find('.');
    const auto last = token.rfind('.');
    if (token.size() > longest_token || first == last || !is_base64url(token.substr(0, first)) ||
        !is_base64url(token.substr(last + 1))) {
        return std::nullopt;
    }
    const auto text = from_base64url(token.substr(first + 1, last - first - 1));
    boost::system::error_code error;
    const auto parsed = text ? json::parse(*text, error) : json::value();
    const auto* claims = !error ? parsed.if_object() : nullptr;
    if (!claims) {
        return std::nullopt;
    }
    const auto issuer = text_claim(*claims, "iss");
    const auto subject = text_claim(*claims, "sub");
    if (!issuer || !subject) {
        return std::nullopt;
    }
    identity_token read{*issuer, *subject, std::nullopt};
    if (const auto* end = claims->if_contains("exp")) {
        const auto* seconds = end->if_int64();
        if (!seconds) {
            return std::nullopt;
        }
        read.expires = std::chrono::sys_seconds(std::chrono::seconds(*seconds));
    }
    return read;
}

} // namespace countersign::proxy::sandbox
