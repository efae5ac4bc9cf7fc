#include "proxy/rules/earlier_scope.hpp"

#include "signer/date.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace countersign::proxy {

namespace {

struct scope_text {
    std::string_view region, service;
};

// Of "AWS4-HMAC-SHA256 Credential=AKID/20261128/eu-west-1/s3/aws4_request, …"; the key's id may have slashes.
std::optional<scope_text> scope_in(std::string_view authorization) noexcept {
    constexpr std::string_view start = "Credential=", end = "/aws4_request";
    if (!authorization.starts_with("AWS4-HMAC-SHA256")) {
        return std::nullopt;
    }
    const std::size_t at = authorization.find(start);
    std::string_view text = authorization.substr(std::min(at, authorization.size()));
    text = text.substr(0, text.find_first_of(", "));
    if (!text.starts_with(start) || !text.ends_with(end)) {
        return std::nullopt;
    }
    text.remove_suffix(end.size());
    const std::size_t before_service = text.rfind('/');
    const std::size_t before_region =
        before_service - 1 < text.size() ? text.rfind('/', before_service - 1) : before_service;
    if (before_service == std::string_view::npos || before_region == std::string_view::npos) {
        return std::nullopt;
    }
    return scope_text{
        text.substr(before_region + 1, before_service - before_region - 1), text.substr(before_service + 1)};
}

// As a label, or a part of one ("s3-eu-west-1"): not a region that the host leaves open.
bool names(std::string_view host, std::string_view region) noexcept {
    return !region.empty() && host.find(region) != std::string_view::npos;
}

bool is_plain(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 64 &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

// The scope, where the signature was made for this request.
std::optional<scope_text> living_scope(const inbound& in, std::chrono::sys_seconds now) noexcept {
    constexpr auto a_day = std::chrono::hours{24};
    constexpr std::size_t signature_length = 64;
    std::string_view authorization, date;
    for (const field& f : in.fields) {
        if (f.id == field_name::authorization) {
            authorization = f.value;
        } else if (f.id == field_name::amz_owned && equal_ignoring_case(f.name, "x-amz-date")) {
            date = f.value;
        }
    }
    const auto when = signer::parse_date(date);
    const std::size_t signature = authorization.find("Signature=");
    if (!when || *when < now - a_day || *when > now + a_day || signature == std::string_view::npos ||
        authorization.size() - signature != signature_length + std::string_view("Signature=").size()) {
        return std::nullopt;
    }
    return scope_in(authorization);
}

} // namespace

std::optional<refusal> check_earlier_scope(const inbound& in, const plan& p, std::chrono::sys_seconds now) {
    if (!p.is_scope_of_host || p.sigv4a || p.sign == conf::sign_mode::none) {
        return std::nullopt;
    }
    const auto said = living_scope(in, now);
    if (!said || !is_plain(said->region) || !is_plain(said->service)) {
        return std::nullopt;
    }
    const bool is_family = said->service.starts_with("s3") && p.service.starts_with("s3");
    const bool is_other_service = said->service != p.service && !is_family;
    const bool is_other_region = said->region != p.region && !p.is_default_region && names(in.host, p.region);
    if (!is_other_service && !is_other_region) {
        return std::nullopt;
    }
    return refusal{
        400,
        "scope-mismatch",
        fmt::format(
            "The request is signed for {} in {}, but its host is that of {} in {}. Set the client's region and "
            "endpoint "
            "to the same, or write a route that names service and region.",
            said->service,
            said->region,
            p.service,
            p.region
        )};
}

} // namespace countersign::proxy
