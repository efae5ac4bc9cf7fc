#include "proxy/http/hop_by_hop.hpp"

#include "signer/headers.hpp"

#include <algorithm>
#include <array>

namespace countersign::proxy {

namespace {

constexpr std::string_view about_content = "content-";

bool is_needed_by_all(const field& f) noexcept {
    switch (f.id) {
    case field_name::host:
    case field_name::via: // else the next proxy could not see a loop
    case field_name::authorization:
    case field_name::amz_owned:
        return true;
    default:
        return signer::is_signed(f.name) || equal_ignoring_case(f.name.substr(0, about_content.size()), about_content);
    }
}

void mark_named(std::string_view connection, std::span<field> fields) noexcept {
    for_each_element(connection, [fields](std::string_view option) {
        for (field& named : fields) {
            if (equal_ignoring_case(named.name, option) && !is_needed_by_all(named)) {
                named.stays_here = true;
            }
        }
    });
}

} // namespace

void mark_hop_by_hop(std::span<field> fields) noexcept {
    for (field& f : fields) {
        switch (f.id) {
        case field_name::connection:
            mark_named(f.value, fields);
            f.stays_here = true;
            break;
        case field_name::countersign_dry_run: // means something to this proxy only
        case field_name::keep_alive:
        case field_name::te:
        case field_name::trailer:
        case field_name::transfer_encoding:
        case field_name::upgrade:
        case field_name::http2_settings:
        case field_name::expect:
        case field_name::proxy_authorization:
        case field_name::proxy_other:
            f.stays_here = true;
            break;
        default:
            break;
        }
    }
}

bool may_be_trailer(std::string_view name) noexcept {
    constexpr std::array<std::string_view, 17> others{
        "age",
        "cache-control",
        "clear-site-data",
        "content-location",
        "content-range",
        "content-type",
        "expires",
        "location",
        "max-forwards",
        "pragma",
        "range",
        "set-cookie",
        "strict-transport-security",
        "vary",
        "warning",
        "www-authenticate",
        "x-countersign-error"};
    switch (identify(name)) {
    case field_name::other:
    case field_name::amz_retry_after:
    case field_name::amz_bucket_region:
    case field_name::amz_target:
    case field_name::amzn_errortype:
    case field_name::amzn_query_error:
        return std::none_of(others.begin(), others.end(), [name](std::string_view o) {
            return equal_ignoring_case(name, o);
        });
    default:
        return false;
    }
}

bool offers_websocket(std::string_view upgrade) noexcept {
    bool found = false;
    for_each_element(upgrade, [&found](std::string_view protocol) { // name["/" version]
        found = found || equal_ignoring_case(protocol.substr(0, protocol.find('/')), "websocket");
    });
    return found;
}

bool via_names(std::string_view via, std::string_view us) noexcept {
    bool found = false;
    for_each_element(via, [&](std::string_view hop) {
        const std::size_t blank = hop.find(' '); // "1.1 name (comment)"
        if (blank != std::string_view::npos) {
            std::string_view name = hop.substr(blank + 1);
            found = found || name.substr(0, name.find(' ')) == us;
        }
    });
    return found;
}

} // namespace countersign::proxy
