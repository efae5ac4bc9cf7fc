// `countersign scope`: one host name a line in, one JSON object a line out.
#include "proxy/commands.hpp"
#include "signer/scope.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

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

std::string_view reason_of(signer::scope_refusal refusal) {
    switch (refusal) {
    case signer::scope_refusal::not_aws:
        return "not an AWS host: it ends with none of AWS's domain names";
    case signer::scope_refusal::customer_controlled:
        return "somebody's own machine answers at this name, not an AWS service";
    case signer::scope_refusal::unknown_endpoint:
        return "no known form of an AWS endpoint; name service and region in a [[route]]";
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
    } else {
        line["error"] = reason_of(std::get<signer::scope_refusal>(found));
    }
    return line;
}

} // namespace

int run_scope() {
    std::ios::sync_with_stdio(false);
    for (std::string line; std::getline(std::cin, line);) {
        const std::string_view written = without_blanks(line);
        if (!written.empty()) {
            std::cout << boost::json::serialize(described(written)) << '\n';
        }
    }
    std::cout.flush();
    return std::cout ? 0 : 1;
}

} // namespace countersign::proxy
