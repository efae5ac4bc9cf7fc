// Who may use the proxy, where [[client]] is configured: the key pairs that clients sign with, and whether a request
// is signed with one of them. Never says a secret or a signature. read_tenants is start-up code; the rest is pure, any
// thread.
#pragma once

#include "chain/credentials.hpp"
#include "chain/world.hpp"
#include "conf/config.hpp"
#include "proxy/http/inbound.hpp"
#include "proxy/http/refusal.hpp"
#include "signer/claim.hpp"
#include "signer/scope.hpp"
#include "signer/verify.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace countersign::proxy {

struct tenant {
    std::string access_key_id;
    chain::secret secret_access_key;
    std::size_t identity = 0; // conf::identity::number: who signs again
};

// Immutable: made at the start and on each reload.
class tenant_table {
public:
    explicit tenant_table(std::vector<tenant> all);
    const tenant* find(std::string_view access_key_id) const noexcept;

private:
    std::vector<tenant> by_id_; // sorted
};
using shared_tenants = std::shared_ptr<const tenant_table>; // null: nobody has to sign

// Reads the secrets' files: one line, at most 4 KiB; warns of one that all users may read. Throws conf::error.
shared_tenants read_tenants(const conf::config& c, const chain::world& outside);

// What is wrong with a client's signature.
struct tenant_fault {
    signer::mismatch what = signer::mismatch::none;
    std::string detail;
};

// What a request says of its client, and who that is. Not to be believed before check_tenant.
struct tenant_claim {
    shared_tenants all; // keeps …
    const tenant* who = nullptr;
    signer::claim said;
};

// Computes no signature. REQUIRES: all.
std::variant<tenant_claim, tenant_fault> read_tenant(shared_tenants all, const inbound& in);

// As what the proxy would sign the request: the client's own signature must be for the same.
struct tenant_scope {
    std::string_view service;
    std::string_view region;
    signer::path_rule path = signer::path_rule::standard;
};

// Is the request as it came, with all of its body, signed as `c` says, not 15 minutes away from `now`? nullopt: yes.
// A body that the signature leaves out (UNSIGNED-PAYLOAD, presigned URLs) is taken for S3 only. `body_hash` is H(body)
// in hex, "" where the request says UNSIGNED-PAYLOAD; `keys` keeps what was derived from clients' secrets.
// REQUIRES: read_tenant(..., in) gave `c`.
std::optional<tenant_fault> check_tenant(
    const tenant_claim& c,
    const inbound& in,
    std::string_view body_hash,
    const tenant_scope& where,
    std::chrono::sys_seconds now,
    signer::key_cache& keys
);

// 403 with the code by which the asked service names the fault.
refusal refuse_tenant(const tenant_fault& fault, signer::wire_protocol protocol);

} // namespace countersign::proxy
