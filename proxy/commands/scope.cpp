// `countersign scope`: one host name in, one JSON object a line out; with --explain one for each route that could take
// requests for the host, in the order of asking, and one for what no route takes.
#include "signer/scope.hpp"

#include "conf/load.hpp"
#include "proxy/commands.hpp"
#include "proxy/commands/scope_explanation.hpp"
#include "proxy/rules/plan.hpp"
#include "proxy/rules/route_choice.hpp"
#include "proxy/settings.hpp"
#include "signer/host_name.hpp"
#include "signer/sigv4a.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <iostream>

namespace countersign::proxy {
namespace {

std::string_view without_blanks(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r");
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// "S3.Amazonaws.com.:443" → "s3.amazonaws.com"
std::string bare_host(std::string_view written) {
    const auto colon = written.rfind(':');
    const bool has_port =
        colon != std::string_view::npos && written.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
    std::string host(written.substr(0, has_port ? colon : written.size()));
    if (host.ends_with('.')) {
        host.pop_back();
    }
    std::transform(host.begin(), host.end(), host.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return host;
}

std::string_view reason_of(signer::scope_refusal refusal, std::string_view host) {
    switch (refusal) {
    case signer::scope_refusal::not_aws:
        return "not an AWS host: it ends with none of AWS's domain names";
    case signer::scope_refusal::customer_controlled:
        return "somebody's own machine answers at this name, not an AWS service";
    case signer::scope_refusal::not_signed:
        return "an AWS endpoint that asks for a password, a token or a certificate, not for a signature";
    case signer::scope_refusal::unknown_endpoint:
        return signer::is_host_name(host)
                   ? "no known form of an AWS endpoint; name service and region in a [[route]]"
                   : "not a host name as DNS has it; write an international one in its ASCII form, xn--...";
    }
    return {};
}

boost::json::object described(std::string_view written) {
    const std::string host = bare_host(written);
    boost::json::object line{{"host", written}};
    const auto found = signer::scope_of(host);
    if (const auto* scope = std::get_if<signer::host_scope>(&found)) {
        line["service"] = scope->service;
        line["region"] = scope->region;
        line["partition"] = scope->partition;
        if (scope->sigv4a) {
            line["algorithm"] = signer::sigv4a_algorithm;
        }
    } else {
        line["error"] = reason_of(std::get<signer::scope_refusal>(found), host);
    }
    return line;
}

void print(const boost::json::object& line) {
    std::cout << boost::json::serialize(line) << '\n';
}

// What described() says is right for this path, where two services share a host (signer::service_by_path).
constexpr std::string_view shared_path = "/v2/";

// The place that a request is sent to instead of the host asked for.
void put_place(const plan& p, boost::json::object& line) {
    if (!p.path_prefix.empty()) {
        line["sent_to"] = p.authority + p.path_prefix;
    }
}

// What a route makes of a host: scope or error, and the conditions under which it is the one.
boost::json::object
described_by_route(std::string_view written, const std::string& host, const conf::config& c, const conf::route& r) {
    boost::json::object line{{"host", written}};
    const auto made = make_plan(c, c.credentials.region, asked_host{host, {}, false, "GET", shared_path}, &r);
    if (const auto* no = std::get_if<refusal>(&made)) {
        line["error"] = no->message;
    } else if (r.sign == conf::sign_mode::none) {
        line["sign"] = "none";
    } else {
        const plan& p = std::get<plan>(made);
        line["service"] = p.service;
        line["region"] = p.region;
        if (p.sigv4a) {
            line["algorithm"] = signer::sigv4a_algorithm;
        }
        put_place(p, line);
        line["identity"] = !c.clients.empty() ? "the client's" : r.identity.empty() ? "default" : r.identity;
    }
    line["route"] = r.name.empty() ? r.host : r.name;
    if (!r.path.empty()) {
        line["path"] = r.path;
    }
    if (!r.method.empty()) {
        line["method"] = boost::json::value_from(r.method);
    }
    line["rule"] = fmt::format("route, {}:{}", c.source, r.line);
    return line;
}

// What a host is without a route: its scope, or why nothing would be signed for it, the policy's word included.
boost::json::object described_without_route(
    std::string_view written, const std::string& host, std::string_view path, const conf::config& c
) {
    boost::json::object line = described(written);
    const auto made = make_plan(c, c.credentials.region, asked_host{host, {}, false, "GET", path}, nullptr);
    const auto* no = std::get_if<refusal>(&made);
    if (no != nullptr && line.contains("service")) {
        line = {{"host", written}, {"error", no->message}};
    } else if (no == nullptr) {
        put_place(std::get<plan>(made), line);
    }
    line["rule"] = explain_scope(host);
    return line;
}

void explain(std::string_view written, const conf::config& c) {
    const std::string host = bare_host(written);
    const std::vector<std::size_t> candidates = routes_for(c.routes, host);
    for (const std::size_t i : candidates) {
        print(described_by_route(written, host, c, c.routes[i]));
    }
    const bool every_request_has_a_route =
        !candidates.empty() && c.routes[candidates.back()].path.empty() && c.routes[candidates.back()].method.empty();
    if (!every_request_has_a_route) {
        const std::string_view elsewhere = signer::service_by_path(host, "/");
        boost::json::object line = described_without_route(written, host, shared_path, c);
        if (!elsewhere.empty()) {
            line["path"] = shared_path;
        }
        print(line);
        if (!elsewhere.empty()) {
            line = described_without_route(written, host, "/", c);
            if (line.contains("service")) {
                line["service"] = elsewhere;
            }
            print(line);
        }
    }
}

} // namespace

int run_scope(const scope_arguments& a) {
    std::ios::sync_with_stdio(false);
    conf::config c;
    if (a.config) {
        serve_arguments serve;
        serve.config = a.config;
        c = load_settings(serve);
    }
    const auto tell = [&](std::string_view written) {
        if (a.explain) {
            explain(written, c);
        } else {
            print(described(written));
        }
    };
    for (const std::string& host : a.hosts) {
        tell(host);
    }
    if (a.hosts.empty()) {
        for (std::string line; std::getline(std::cin, line);) {
            const std::string_view written = without_blanks(line);
            if (!written.empty()) {
                tell(written);
            }
        }
    }
    std::cout.flush();
    return std::cout ? 0 : 1;
}

} // namespace countersign::proxy
