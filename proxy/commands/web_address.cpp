#include "proxy/commands/web_address.hpp"

#include "signer/encode.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

namespace countersign::proxy {
namespace {

struct known_scheme {
    std::string_view name;
    std::string_view port;
};
constexpr std::array<known_scheme, 4> schemes{{{"https", "443"}, {"http", "80"}, {"wss", "443"}, {"ws", "80"}}};

std::string_view take_scheme(std::string_view& text) {
    const std::size_t end = text.find("://");
    // Only in front of everything else: example.com/?next=http://x has none.
    if (end == std::string_view::npos || text.find_first_of("/?#") < end) {
        return schemes.front().name;
    }
    const std::string_view written = text.substr(0, end);
    text.remove_prefix(end + 3);
    for (const known_scheme& known : schemes) {
        if (signer::equals_ignoring_case(written, known.name)) {
            return known.name;
        }
    }
    throw std::runtime_error(
        written == "s3" ? "s3:// is no web address: write https://BUCKET.s3.REGION.amazonaws.com/KEY"
                        : "the URL is neither https:// nor http:// (nor wss://, ws://)"
    );
}

void check_port(std::string_view port) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc() || end != port.data() + port.size() || number < 1 || number > 65535) {
        throw std::runtime_error("the URL's port is not a number from 1 to 65535");
    }
}

// example.com:8443, [::1]:9000
void read_authority(std::string_view authority, web_address& a) {
    if (authority.find('@') != std::string_view::npos) {
        throw std::runtime_error("the URL holds a user name: credentials come from the provider chain, never from a URL"
        );
    }
    const std::size_t colon = authority.find(':', authority.starts_with('[') ? authority.find(']') : 0);
    std::string_view host = authority.substr(0, colon);
    if (host.ends_with('.')) {
        host.remove_suffix(1);
    }
    constexpr std::string_view address_bytes = "[]:.";
    const bool is_address = host.starts_with('[') && host.ends_with(']');
    const bool is_fine = std::all_of(host.begin(), host.end(), [&](char c) {
        return (signer::contains(signer::unreserved, c) && c != '~') ||
               (is_address && address_bytes.find(c) != std::string_view::npos);
    });
    if (host.empty() || !is_fine) {
        throw std::runtime_error("the URL has no host name that could be asked");
    }
    a.host = host;
    std::transform(a.host.begin(), a.host.end(), a.host.begin(), signer::to_lower);
    if (colon != std::string_view::npos) {
        a.port = authority.substr(colon + 1);
        check_port(a.port);
    }
}

} // namespace

web_address web_address::parse(std::string_view text) {
    if (std::any_of(text.begin(), text.end(), [](char c) {
            return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
        })) {
        throw std::runtime_error("the URL holds a control character, as a line end that came with it");
    }
    web_address a;
    a.scheme = take_scheme(text);
    if (text.find('#') != std::string_view::npos) {
        throw std::runtime_error("the URL has a fragment, which no server ever sees: leave it out, or write %23 for '#'"
        );
    }
    const std::size_t end = text.find_first_of("/?");
    read_authority(text.substr(0, end), a);
    const std::string_view target = end == std::string_view::npos ? std::string_view() : text.substr(end);
    const std::size_t mark = target.find('?');
    a.path = target.substr(0, mark);
    a.query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
    return a;
}

std::string web_address::host_field() const {
    const auto known =
        std::find_if(schemes.begin(), schemes.end(), [&](const known_scheme& s) { return s.name == scheme; });
    std::string field = host;
    if (!port.empty() && port != known->port) {
        field.append(":").append(port);
    }
    return field;
}

} // namespace countersign::proxy
