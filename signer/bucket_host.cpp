#include "signer/bucket_host.hpp"

#include "signer/encode.hpp"
#include "signer/host_name.hpp"
#include "signer/scope.hpp"
#include "signer/scope_lookup.hpp"

#include <variant>

namespace countersign::signer {
namespace {

using std::string_view;

// Nearly all hosts, before anything is looked up.
bool may_name_bucket(string_view host) noexcept {
    return host.find(".s3") != host.npos;
}

bool is_store(string_view host) noexcept {
    const auto found = scope_of(host);
    const auto* const scope = std::get_if<host_scope>(&found);
    return scope != nullptr && scope->service == "s3" && !scope->sigv4a;
}

// bucket.vpce-0a1b-2c3d.s3.eu-west-1.vpce with labels in front: what stands before "bucket"; "" for other names.
string_view bucket_of_vpc_endpoint(string_view name) noexcept {
    const string_view front = without_last(without_last(name));
    const auto at = front.rfind(".vpce-");
    if (at == front.npos || without_first(front.substr(at + 1)) != "s3") {
        return {};
    }
    const string_view labels = front.substr(0, at);
    return last_label(labels) == "bucket" ? without_last(labels) : string_view();
}

struct segment {
    std::size_t size = 0;
    bool is_dots = true;
};

// The decoded segment that begins at path[i]; `i` moves behind it and its slash.
segment take_segment(string_view path, std::size_t& i) noexcept {
    segment taken;
    while (i < path.size()) {
        const char c = decode_next(path, i, plus_sign::literal);
        if (c == '/') {
            break;
        }
        taken.is_dots = taken.is_dots && c == '.';
        ++taken.size;
    }
    return taken;
}

bool is_covered(string_view bucket) noexcept {
    return bucket.find_first_of("._") == bucket.npos;
}

} // namespace

std::optional<uncovered_bucket> uncovered_bucket_in(string_view host) noexcept {
    if (!may_name_bucket(host) || !is_store(host)) {
        return std::nullopt;
    }
    const auto suffix = suffix_of(host);
    const string_view name = host.substr(0, host.size() - suffix->text.size() - 1);
    uncovered_bucket found;
    if (last_label(name) == "vpce") {
        found.bucket = bucket_of_vpc_endpoint(name);
    } else {
        const bool is_regional = region_below(*suffix, last_label(name)).has_value();
        const string_view front = is_regional ? without_last(name) : name;
        const string_view plain = last_label(front) == "dualstack" ? without_last(front) : front;
        const string_view label = last_label(plain);
        if (is_regional && label != "s3" && label != "s3-fips") {
            return std::nullopt; // s3-accesspoint, s3-control
        }
        found.bucket = without_last(plain);
        found.names_region = label != "s3" || is_regional;
        found.has_path_style = label != "s3-accelerate";
    }
    if (is_covered(found.bucket)) {
        return std::nullopt;
    }
    found.endpoint = host.substr(found.bucket.size() + 1);
    return found;
}

bool leaves_bucket(string_view path) noexcept {
    int depth = 0;
    for (std::size_t i = 0; i < path.size() && depth >= 0;) {
        const segment s = take_segment(path, i);
        if (!s.is_dots || s.size > 2) {
            ++depth;
        } else if (s.size == 2) {
            --depth;
        }
    }
    return depth < 0;
}

} // namespace countersign::signer
