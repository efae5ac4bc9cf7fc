// What a host name says about the signature: service (signing name), region, partition; what is special about signing
// for that service stands in service_traits.hpp. Pure lookups in constant tables, no allocation. Any thread.
#pragma once

#include "signer/host_scope.hpp"
#include "signer/service_traits.hpp"

#include <string_view>
#include <variant>

namespace countersign::signer {

// May `region` stand where `known` stands: is it of a region's form, and of the same partition?
bool is_region_beside(std::string_view region, std::string_view known) noexcept;

// REQUIRES: host is lower-case, without port and trailing dot.
std::variant<host_scope, scope_refusal> scope_of(std::string_view host) noexcept;

// The service where two share a host and the path, as sent, says which is asked; "" for all other hosts. maps.geo,
// places.geo and routes.geo are geo-maps, geo-places and geo-routes below /v2/, Amazon Location's older geo elsewhere.
std::string_view service_by_path(std::string_view host, std::string_view path) noexcept;

// scope_of(host) for a request with this path: service_by_path decides about the service. REQUIRES: as scope_of(host).
std::variant<host_scope, scope_refusal> scope_of(std::string_view host, std::string_view path) noexcept;

} // namespace countersign::signer
