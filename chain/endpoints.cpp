#include "chain/endpoints.hpp"

#include "chain/text.hpp"
#include "signer/scope_lookup.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

namespace countersign::chain {

namespace {

// How each service is called in variables, in `[services]` sections and in host names.
struct service_names {
    std::string_view variable;
    std::array<std::string_view, 2> sections; // SSO OIDC is spelled in two ways
    std::string_view host;                    // in front of "-fips" and the region
};
constexpr std::array all_names{
    service_names{"AWS_ENDPOINT_URL_STS", {"sts", ""}, "sts"},
    service_names{"AWS_ENDPOINT_URL_SSO", {"sso", ""}, "portal.sso"},
    service_names{"AWS_ENDPOINT_URL_SSO_OIDC", {"sso_oidc", "sso-oidc"}, "oidc"},
    service_names{"AWS_ENDPOINT_URL_SIGNIN", {"signin", ""}, "signin"},
};

const service_names& names_of(aws_service service) {
    return all_names[static_cast<std::size_t>(service)];
}

// The variable, then the profile's property; off when neither is there.
result<bool> is_on(std::string_view variable, std::string_view property, const world& outside, const profile* chosen) {
    std::string origin(variable);
    std::string text = outside.setting(variable).value_or("");
    if (const auto* found = chosen ? chosen->find(property) : nullptr; text.empty() && found) {
        origin = fmt::format("{} ({})", property, found->where);
        text = found->value.reveal();
    }
    const auto value = trimmed(text);
    if (equal_ignoring_case(value, "true")) {
        return true;
    }
    if (value.empty() || equal_ignoring_case(value, "false")) {
        return false;
    }
    return failure{fmt::format("{} is {}: it must be true or false", origin, printable(value))};
}

struct configured_url {
    std::string text;
    std::string origin;
};

std::optional<configured_url> url_in(const profile& section, std::string_view service) {
    const auto property = section.properties.find(service);
    if (property == section.properties.end()) {
        return std::nullopt;
    }
    const auto url = property->second.nested.find("endpoint_url");
    if (url == property->second.nested.end()) {
        return std::nullopt;
    }
    return configured_url{
        std::string(url->second.reveal()),
        fmt::format("services {}, {} ({})", printable(section.name), service, property->second.where)};
}

// Every place where an address may stand, the strongest first.
std::vector<configured_url>
configured_urls(const service_names& names, const world& outside, const profile_set& profiles, const profile* chosen) {
    std::vector<configured_url> found;
    for (const auto variable : {names.variable, std::string_view("AWS_ENDPOINT_URL")}) {
        if (const auto text = outside.setting(variable)) {
            found.push_back({std::string(trimmed(*text)), std::string(variable)});
        }
    }
    if (!chosen) {
        return found;
    }
    if (const auto section = profiles.services.find(chosen->value("services")); section != profiles.services.end()) {
        for (const auto name : names.sections) {
            if (auto url = url_in(section->second, name)) {
                found.push_back(*std::move(url));
            }
        }
    }
    if (const auto* property = chosen->find("endpoint_url")) {
        found.push_back(
            {std::string(property->value.reveal()),
             fmt::format("profile {} ({})", printable(chosen->name), property->where)}
        );
    }
    return found;
}

// A path is fine (a gateway in front); a query is not: ours would be glued to it.
bool is_base_url(std::string_view text) {
    return text.find('?') == std::string_view::npos && read_url(text).has_value();
}

struct variant_choice {
    bool fips = false;
    bool dual_stack = false;
};

// The rules of AWS's own endpoint rule sets (endpoint-rule-set-1.json of each service).
std::string host_of(aws_service service, std::string_view region, variant_choice want) {
    const auto partition = signer::partition_of(region).value_or(signer::aws);
    const auto suffix = signer::suffixes_of(partition);
    const bool is_plain = !want.fips && !want.dual_stack;
    if (service == aws_service::signin && is_plain) {
        if (partition == signer::aws) {
            return fmt::format("{}.signin.aws.amazon.com", region);
        }
        if (partition == signer::aws_cn) {
            return fmt::format("{}.signin.amazonaws.cn", region);
        }
        if (partition == signer::aws_us_gov) {
            return fmt::format("{}.signin.amazonaws-us-gov.com", region);
        }
    }
    // GovCloud's ordinary endpoints are the FIPS ones.
    const bool is_fips_by_itself =
        partition == signer::aws_us_gov && service != aws_service::signin && !want.dual_stack;
    return fmt::format(
        "{}{}.{}.{}",
        names_of(service).host,
        want.fips && !is_fips_by_itself ? "-fips" : "",
        region,
        want.dual_stack ? suffix.dual_stack : suffix.standard
    );
}

} // namespace

result<service_address> address_of(
    aws_service service,
    std::string_view region,
    const world& outside,
    const profile_set& profiles,
    const profile* chosen
) {
    const auto fips = is_on("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", outside, chosen);
    if (!fips) {
        return fips.error();
    }
    const auto dual_stack = is_on("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint", outside, chosen);
    if (!dual_stack) {
        return dual_stack.error();
    }
    const auto ignore =
        is_on("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls", outside, chosen);
    if (!ignore) {
        return ignore.error();
    }
    const auto services = chosen ? profiles.services.find(chosen->value("services")) : profiles.services.end();
    if (!*ignore && services != profiles.services.end() && !services->second.fault.empty()) {
        return failure{fmt::format("[services {}]: {}", printable(services->first), services->second.fault)};
    }
    service_address address;
    if (!*ignore) {
        for (auto& url : configured_urls(names_of(service), outside, profiles, chosen)) {
            if (!is_base_url(url.text)) {
                address.ignored.push_back(url.origin + ": not an http or https URL, so it is ignored");
                continue;
            }
            if (*fips || *dual_stack) {
                return failure{fmt::format(
                    "{} names an endpoint and {} is wanted too: take one of them out",
                    url.origin,
                    *fips ? "FIPS (AWS_USE_FIPS_ENDPOINT, use_fips_endpoint)"
                          : "dual stack (AWS_USE_DUALSTACK_ENDPOINT, use_dualstack_endpoint)"
                )};
            }
            while (url.text.ends_with('/')) {
                url.text.pop_back();
            }
            address.url = std::move(url.text);
            address.origin = std::move(url.origin);
            address.is_custom = true;
            return address;
        }
    }
    const variant_choice want{*fips, *dual_stack};
    address.url = "https://" + host_of(service, region, want);
    address.origin = fmt::format("region {}", region);
    return address;
}

} // namespace countersign::chain
