#include "proxy/rules/route_choice.hpp"

#include "conf/route.hpp"
#include "signer/encode.hpp"
#include "signer/scope.hpp"

#include <algorithm>
#include <variant>

namespace countersign::proxy {

namespace {

// "", "." and ".." as segments; what stands behind a ';' some servers take off first ("/..;/").
class segment_watch {
public:
    void add(char c) noexcept {
        ended_ = ended_ || c == ';';
        if (!ended_) {
            dots_ += c == '.' ? 1 : 0;
            ++size_;
        }
        empty_ = false;
    }
    bool is_dots() const noexcept { return size_ == dots_ && (size_ == 1 || size_ == 2); }
    bool is_empty() const noexcept { return empty_; }

private:
    std::size_t size_ = 0;
    std::size_t dots_ = 0;
    bool ended_ = false;
    bool empty_ = true;
};

bool has_unclear_segments(std::string_view path, path_reading how) noexcept {
    segment_watch segment;
    bool is_first = true;
    for (std::size_t i = 0; i < path.size();) {
        const char c = signer::decode_next(path, i, signer::plus_sign::literal);
        if (c != '/' && (c != '\\' || how == path_reading::s3)) {
            segment.add(c);
            continue;
        }
        if (segment.is_dots() || (segment.is_empty() && !is_first && how == path_reading::uri)) {
            return true;
        }
        is_first = false;
        segment = {};
    }
    return segment.is_dots(); // an empty one at the end is just a final slash
}

path_reading reading_of(const conf::route& r, std::string_view host) noexcept {
    std::string_view service = r.service;
    const auto derived = signer::scope_of(r.upstream ? std::string_view{r.upstream->host} : host);
    if (const auto* scope = std::get_if<signer::host_scope>(&derived); scope && service.empty()) {
        service = scope->service;
    }
    return signer::traits_of(service).path == signer::path_rule::s3 ? path_reading::s3 : path_reading::uri;
}

} // namespace

path_fit fit_path(std::string_view path, std::string_view prefix, path_reading how) noexcept {
    if (has_unclear_segments(path, how)) {
        return path_fit::unclear;
    }
    bool as_decoded = true; // every slash counts
    bool as_written = true; // an escaped one is a character of its segment
    std::size_t n = 0;      // decoded characters
    for (std::size_t i = 0; i < path.size() && n <= prefix.size() && as_decoded; ++n) {
        const std::size_t begin = i;
        char c = signer::decode_next(path, i, signer::plus_sign::literal);
        const bool is_odd_slash = how == path_reading::uri && (c == '\\' || (c == '/' && i - begin > 1));
        c = is_odd_slash ? '/' : c;
        if (n == prefix.size()) { // the segment has to end here, too
            const bool ends = prefix.ends_with('/') || c == '/';
            as_decoded = as_decoded && ends;
            as_written = as_written && ends && (prefix.ends_with('/') || !is_odd_slash);
        } else {
            as_decoded = c == prefix[n];
            as_written = as_written && as_decoded && !is_odd_slash;
        }
    }
    as_decoded = as_decoded && n >= prefix.size();
    as_written = as_written && as_decoded;
    return as_decoded != as_written ? path_fit::unclear : as_decoded ? path_fit::yes : path_fit::no;
}

route_choice choose_route(
    const std::vector<conf::route>& routes, std::string_view host, std::string_view method, std::string_view path
) noexcept {
    for (const conf::route& r : routes) {
        const bool takes_method =
            r.method.empty() || std::find(r.method.begin(), r.method.end(), method) != r.method.end();
        if (!takes_method || !conf::glob_matches(r.host, host)) {
            continue;
        }
        const path_fit fit = r.path.empty() ? path_fit::yes : fit_path(path, r.path, reading_of(r, host));
        if (fit != path_fit::no) {
            return {&r, fit == path_fit::unclear};
        }
    }
    return {};
}

std::vector<std::size_t> routes_for(const std::vector<conf::route>& routes, std::string_view host) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < routes.size(); ++i) {
        if (conf::glob_matches(routes[i].host, host)) {
            found.push_back(i);
            if (!conf::is_conditional(routes[i])) {
                break;
            }
        }
    }
    return found;
}

bool is_conditional(const std::vector<conf::route>& routes, std::string_view host) noexcept {
    const auto first = std::find_if(routes.begin(), routes.end(), [host](const conf::route& r) {
        return conf::glob_matches(r.host, host);
    });
    return first != routes.end() && conf::is_conditional(*first);
}

} // namespace countersign::proxy
