// For tests of scope_of(): hosts with what they are signed for, and with why they are refused. Allocates freely; not
// for running code.
#pragma once

#include "signer/scope.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <string>

namespace countersign::signer::scopes {

struct known_host {
    std::string_view host, service, region;
    std::string_view partition = "aws";
};

inline std::string written(std::string_view host) {
    const auto found = scope_of(host);
    if (const auto* scope = std::get_if<host_scope>(&found)) {
        return std::string(scope->service) + ' ' + std::string(scope->region) + ' ' + std::string(scope->partition);
    }
    switch (std::get<scope_refusal>(found)) {
    case scope_refusal::not_aws:
        return "not AWS";
    case scope_refusal::customer_controlled:
        return "customer's";
    case scope_refusal::not_signed:
        return "not signed";
    case scope_refusal::unknown_endpoint:
        return "unknown";
    }
    return {};
}

// scope_fuzz requires it of any host.
inline bool takes_service_from(std::string_view host) {
    const auto found = scope_of(host);
    const auto* const scope = std::get_if<host_scope>(&found);
    const std::less_equal<> not_after;
    return scope != nullptr && not_after(host.data(), scope->service.data()) &&
           not_after(scope->service.data(), host.data() + host.size());
}

inline void expect_all(std::initializer_list<known_host> hosts) {
    for (const known_host& h : hosts) {
        EXPECT_EQ(
            written(h.host), std::string(h.service) + ' ' + std::string(h.region) + ' ' + std::string(h.partition)
        ) << h.host;
        EXPECT_FALSE(takes_service_from(h.host)) << h.host;
    }
}

inline void expect_refused(std::string_view how, std::initializer_list<std::string_view> hosts) {
    for (const std::string_view host : hosts) {
        EXPECT_EQ(written(host), how) << host;
    }
}

} // namespace countersign::signer::scopes
