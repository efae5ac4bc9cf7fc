#include "proxy/rules/tenant.hpp"

#include "chain/text.hpp"
#include "conf/load.hpp"
#include "proxy/http/hop_by_hop.hpp"
#include "proxy/rules/action.hpp"
#include "proxy/rules/signature_fault.hpp"
#include "signer/canonical.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

namespace countersign::proxy {

namespace {

using signer::mismatch;

constexpr std::size_t longest_secret_file = 4096;
constexpr std::size_t longest_detail = 300;
constexpr std::chrono::minutes tolerance{15};

void warn_of_readers(const std::string& file) {
    std::error_code ignored;
    const auto mode = std::filesystem::status(file, ignored).permissions();
    if (!ignored && (mode & std::filesystem::perms::others_read) != std::filesystem::perms::none) {
        spdlog::warn("{}: every user of this machine may read this client's secret; chmod o-r it", file);
    }
}

chain::secret read_secret(const conf::config& c, const conf::client& one, const chain::world& outside) {
    const std::string& file = one.secret_access_key_file;
    const auto fail = [&](std::string_view why) {
        throw conf::error(fmt::format("{}:{}: secret_access_key_file {}: {}", c.source, one.line, file, why));
    };
    const auto text = outside.read_file(file, longest_secret_file);
    if (!text) {
        fail(text.error().detail);
    }
    if (!*text) {
        fail("there is no such file");
    }
    std::string_view key = (*text)->reveal();
    if (const auto encoding = chain::foreign_encoding(key); !encoding.empty()) {
        fail(chain::in_wrong_encoding("it", encoding));
    }
    // An editor ends the line; that is no part of the key.
    if (key.ends_with('\n')) {
        key.remove_suffix(1);
    }
    if (key.ends_with('\r')) {
        key.remove_suffix(1);
    }
    const bool is_line = std::all_of(key.begin(), key.end(), [](char b) { return b > ' ' && b < '\x7f'; });
    if (key.empty() || !is_line) {
        fail("expected one line with the secret access key and nothing else");
    }
    warn_of_readers(file);
    return chain::secret{key};
}

std::vector<signer::header> headers_of(const inbound& in) {
    std::vector<signer::header> all;
    all.reserve(in.fields.size());
    for (const field& f : in.fields) {
        all.push_back({f.name, f.value});
    }
    return all;
}

// Fields of this connection, or written anew from what they mean.
bool may_end_here(std::string_view lower_name) noexcept {
    constexpr std::array<std::string_view, 13> names{
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-countersign-dry-run"};
    return std::find(names.begin(), names.end(), lower_name) != names.end();
}

bool signs(const signer::claim& c, const std::string& lower_name) {
    return std::binary_search(c.signed_headers.begin(), c.signed_headers.end(), lower_name);
}

// Connection is not signed: who stands between the client and us could name in it what the client did sign.
std::optional<tenant_fault> check_connection(std::string_view value, const signer::claim& c) {
    bool names_signed = false;
    for_each_element(value, [&](std::string_view option) {
        const std::string name = signer::lower(option);
        names_signed = names_signed || (!may_end_here(name) && signs(c, name));
    });
    return names_signed
               ? std::optional{tenant_fault{mismatch::header_not_signed, "Connection names a header that is signed"}}
               : std::nullopt;
}

// Nor may there be another method than the one that the client signed.
std::optional<tenant_fault> check_fields(const inbound& in, const signer::claim& c) {
    for (const field& f : in.fields) {
        if (f.id == field_name::connection) {
            if (auto bad = check_connection(f.value, c)) {
                return bad;
            }
        } else if (overrides_method({&f, 1}) && !signs(c, signer::lower(f.name))) {
            return tenant_fault{mismatch::header_not_signed, signer::lower(f.name) + " is not in SignedHeaders"};
        }
    }
    return std::nullopt;
}

// The canonical request ends with what the client said of its body.
bool vouches_for_body(std::string_view canonical_request, std::string_view body_hash, signer::path_rule rule) {
    const std::string_view line = canonical_request.substr(canonical_request.rfind('\n') + 1);
    return line == body_hash || (rule == signer::path_rule::s3 && line == "UNSIGNED-PAYLOAD");
}

// The signature holds for the normal form of the path, the path goes out as it came: "/a/../b" must not pass for "/b".
bool vouches_for_path(std::string_view canonical_request, std::string_view path, signer::path_rule rule) {
    if (rule != signer::path_rule::standard) {
        return true;
    }
    std::string as_it_came(signer::canonical_path_bound(path), '\0');
    signer::pen out(as_it_came.data());
    signer::put_canonical_path(path, signer::path_rule::encoded_only, out);
    const std::string_view lines = canonical_request.substr(canonical_request.find('\n') + 1);
    return lines.substr(0, lines.find('\n')) == out.since(as_it_came.data());
}

} // namespace

tenant_table::tenant_table(std::vector<tenant> all) : by_id_(std::move(all)) {
    std::sort(by_id_.begin(), by_id_.end(), [](const tenant& a, const tenant& b) {
        return a.access_key_id < b.access_key_id;
    });
}

const tenant* tenant_table::find(std::string_view access_key_id) const noexcept {
    const auto at =
        std::lower_bound(by_id_.begin(), by_id_.end(), access_key_id, [](const tenant& c, std::string_view id) {
            return c.access_key_id < id;
        });
    return at != by_id_.end() && at->access_key_id == access_key_id ? &*at : nullptr;
}

shared_tenants read_tenants(const conf::config& c, const chain::world& outside) {
    if (c.clients.empty()) {
        return nullptr;
    }
    std::vector<tenant> all;
    for (const conf::client& one : c.clients) {
        all.push_back({one.access_key_id, read_secret(c, one, outside), one.identity_index});
    }
    return std::make_shared<const tenant_table>(std::move(all));
}

std::variant<tenant_claim, tenant_fault> read_tenant(shared_tenants all, const inbound& in) {
    const auto headers = headers_of(in);
    const signer::request asked{in.method, in.path, in.query, headers, {}};
    tenant_claim c;
    if (auto bad = signer::read_claim(asked, c.said)) {
        return tenant_fault{bad->what, std::move(bad->detail)};
    }
    c.who = all->find(c.said.access_key_id);
    if (c.who == nullptr) {
        return tenant_fault{mismatch::unknown_access_key, "no [[client]] has this access key id"};
    }
    if (auto bad = check_fields(in, c.said)) {
        return *std::move(bad);
    }
    c.all = std::move(all);
    return c;
}

std::optional<tenant_fault> check_tenant(
    const tenant_claim& c,
    const inbound& in,
    std::string_view body_hash,
    const tenant_scope& where,
    std::chrono::sys_seconds now,
    signer::key_cache& keys
) {
    const auto headers = headers_of(in);
    signer::expectation expected;
    expected.service = where.service;
    expected.region = where.region;
    expected.path = where.path;
    expected.tolerance = tolerance;
    expected.keys = &keys;
    expected.lookup = [&c](std::string_view) -> std::optional<signer::key_entry> {
        return signer::key_entry{std::string(c.who->secret_access_key.reveal()), {}};
    };
    auto found = signer::verify_claim({in.method, in.path, in.query, headers, {}}, c.said, body_hash, expected, now);
    if (found.what != mismatch::none) {
        return tenant_fault{found.what, std::move(found.detail)};
    }
    if (!vouches_for_path(found.canonical_request, in.path, where.path)) {
        return tenant_fault{
            mismatch::wrong_signature,
            "the path has \".\", \"..\" or empty segments, which the signature does not tell from the path without "
            "them"};
    }
    if (!vouches_for_body(found.canonical_request, body_hash, where.path)) {
        return tenant_fault{mismatch::wrong_payload_hash, "the signature leaves the body out, which only S3 knows"};
    }
    return std::nullopt;
}

refusal refuse_tenant(const tenant_fault& fault, signer::wire_protocol protocol) {
    const fault_wording w = wording_of(fault.what, protocol);
    refusal r{403, "client-refused", w.message};
    r.aws_code = w.code;
    r.message += fmt::format(
        " (countersign, {}: {})", name_of(fault.what), std::string_view(fault.detail).substr(0, longest_detail)
    );
    return r;
}

} // namespace countersign::proxy
