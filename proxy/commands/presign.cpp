// `countersign presign`: a URL that whoever holds it may use for a while, without credentials of their own. Only the
// host is signed beside the query, so that a browser or curl can open it as it stands.
#include "proxy/commands/presign.hpp"

#include "proxy/commands/find_credentials.hpp"
#include "proxy/commands/web_address.hpp"
#include "proxy/http/head.hpp"
#include "proxy/process.hpp"
#include "signer/date.hpp"
#include "signer/earlier_signature.hpp"
#include "signer/sha256.hpp"
#include "signer/sigv4.hpp"
#include "signer/target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <memory_resource>
#include <variant>

namespace countersign::proxy {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr seconds default_lifetime{3600};
constexpr seconds longest_lifetime{604800};

void check(const presign_arguments& a) {
    if (a.url.empty()) {
        throw wrong_usage("which URL? (countersign presign [FLAG]... URL)");
    }
    if (!is_token(a.method) ||
        std::any_of(a.method.begin(), a.method.end(), [](char c) { return c >= 'a' && c <= 'z'; })) {
        throw wrong_usage("--method is a method in capital letters, as PUT: it is signed as it stands");
    }
    if (!a.time.empty() && !signer::parse_date(a.time)) {
        throw wrong_usage("--time is not of the form YYYYMMDDTHHMMSSZ");
    }
    if (a.expires && (*a.expires < 1 || seconds(*a.expires) > longest_lifetime)) {
        throw wrong_usage("--expires is a number of seconds from 1 to 604800 (7 days)");
    }
}

std::string_view reason_of(signer::scope_refusal refusal) {
    switch (refusal) {
    case signer::scope_refusal::not_aws:
        return "is not an AWS host";
    case signer::scope_refusal::customer_controlled:
        return "is somebody's own machine, not an AWS service";
    case signer::scope_refusal::not_signed:
        return "asks for a password, a token or a certificate, not for a signature";
    case signer::scope_refusal::unknown_endpoint:
        break;
    }
    return "is no known form of an AWS endpoint";
}

struct chosen_scope {
    std::string service, region;
};

// The host name says what the flags leave out; SigV4A without a region is good for all of them.
chosen_scope choose_scope(const presign_arguments& a, const web_address& to) {
    chosen_scope chosen{a.service, a.region};
    if (!chosen.service.empty() && !chosen.region.empty()) {
        return chosen;
    }
    const auto found = signer::scope_of(to.host, to.path);
    if (const auto* said = std::get_if<signer::host_scope>(&found)) {
        chosen.service = chosen.service.empty() ? said->service : chosen.service;
        chosen.region = chosen.region.empty() ? said->region : chosen.region;
    }
    if (a.sigv4a && chosen.region.empty()) {
        chosen.region = "*";
    }
    if (chosen.region == "*" && !a.sigv4a) {
        throw wrong_usage(fmt::format("{} stands for several regions and takes SigV4A: add --sigv4a", to.host));
    }
    if (!chosen.service.empty() && !chosen.region.empty()) {
        return chosen;
    }
    const std::string_view flags = !chosen.service.empty()  ? "--region"
                                   : !chosen.region.empty() ? "--service"
                                                            : "--service and --region";
    const auto* refusal = std::get_if<signer::scope_refusal>(&found);
    const std::string_view reason = refusal != nullptr ? reason_of(*refusal) : "does not say its region";
    throw wrong_usage(fmt::format("{} {}: say what to sign for with {}", to.host, reason, flags));
}

// A presigned URL dies with its credentials, whatever X-Amz-Expires says. Shortening it in silence would only move the
// surprise.
std::string
check_lifetime(const presign_arguments& a, const chain::credentials& who, sys_seconds when, seconds lifetime) {
    if (!who.expiration || *who.expiration >= when + lifetime) {
        return {};
    }
    const auto left = std::chrono::floor<seconds>(*who.expiration - when).count();
    if (left < 1) {
        throw std::runtime_error("the credentials have expired at the time of the signature");
    }
    if (a.expires) {
        throw std::runtime_error(fmt::format(
            "the credentials end in {} s and the URL with them, before its {} s: give --expires {} or less, or use "
            "credentials that last longer",
            left,
            lifetime.count(),
            left
        ));
    }
    return fmt::format("the URL says {} s, but ends with its credentials in {} s", lifetime.count(), left);
}

signer::options options_of(const presign_arguments& a, const chosen_scope& where, seconds lifetime) {
    signer::options how;
    how.where = signer::placement::query;
    const signer::service_traits& traits = signer::traits_of(where.service);
    how.path = traits.path;
    how.token = a.session_token_after || traits.token_after_signing ? signer::token_rule::added_after
                                                                    : signer::token_rule::signed_with_the_rest;
    how.expires = lifetime;
    return how;
}

// Who opens a presigned S3 URL brings a body of their own; other services expect the body's hash, and the URL alone
// can only promise an empty one.
std::string_view payload_hash_of(const presign_arguments& a, signer::path_rule rule) {
    return a.unsigned_payload || rule == signer::path_rule::s3 ? "UNSIGNED-PAYLOAD" : signer::empty_hash;
}

signer::instructions sign(
    const presign_arguments& a,
    const signer::request& what,
    const chosen_scope& where,
    const chain::credentials& who,
    sys_seconds when,
    const signer::options& how,
    std::pmr::memory_resource& memory
) {
    const signer::scope scope{where.service, where.region};
    const signer::identity name{who.access_key_id, who.session_token.reveal()};
    const std::string_view secret = who.secret_access_key.reveal();
    if (a.sigv4a) {
        return signer::sign(what, scope, name, signer::ecdsa_key::derive(who.access_key_id, secret), when, how, memory);
    }
    const auto key = signer::signing_key::derive(secret, signer::date_text(when).day(), where.region, where.service);
    return signer::sign(what, scope, name, key, when, how, memory);
}

int run(const presign_arguments& a) {
    check(a);
    choose_scope(a, web_address::parse(a.url)); // what is wrong with the arguments shows before keys are asked for
    const chain::credentials who = find_command_credentials(a.profile);
    const auto now = std::chrono::floor<seconds>(std::chrono::system_clock::now());
    const presigned made = presigned_url(a, who, now);
    if (!made.warning.empty()) {
        fmt::print(stderr, "countersign presign: {}\n", made.warning);
    }
    std::cout << made.url << '\n' << std::flush;
    if (!std::cout) {
        throw std::runtime_error("standard output cannot be written");
    }
    return 0;
}

} // namespace

presigned presigned_url(const presign_arguments& a, const chain::credentials& who, sys_seconds now) {
    check(a);
    const web_address to = web_address::parse(a.url);
    const chosen_scope where = choose_scope(a, to);
    const sys_seconds when = a.time.empty() ? now : *signer::parse_date(a.time);
    const seconds lifetime = a.expires ? seconds(*a.expires) : default_lifetime;
    presigned made;
    made.warning = check_lifetime(a, who, when, lifetime);

    const signer::options how = options_of(a, where, lifetime);
    std::pmr::monotonic_buffer_resource memory;
    const std::string_view bare_query = signer::without_signature(to.query, memory);
    const std::string_view query = signer::wire_query(bare_query, memory);
    const std::string_view path = to.path.empty() ? "/" : signer::wire_path(to.path, how.path, memory);
    const std::string host = to.host_field();
    const std::array<signer::header, 1> headers{{{"host", host}}};
    const signer::request what{a.method, path, query, headers, payload_hash_of(a, how.path)};
    const signer::instructions done = sign(a, what, where, who, when, how, memory);
    made.url = fmt::format("{}://{}{}?{}", to.scheme, host, path, done.query);
    return made;
}

int run_presign(const presign_arguments& a) {
    forbid_core_dumps();
    return exit_status_of("presign", [&] { return run(a); });
}

} // namespace countersign::proxy
