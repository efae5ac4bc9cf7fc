// Who may use the proxy, where [[client]] is configured: the key pairs that clients sign with, and whether a request
// is signed with one of them. Never says a secret or a signature. read_clients is start-up code; the rest is pure, any
// thread.
#pragma once

#include "chain/credentials.hpp"
#include "chain/world.hpp"
#include "conf/config.hpp"
#include "proxy/inbound.hpp"
#include "proxy/refusal.hpp"
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

struct known_client {
    std::string access_key_id;
    chain::secret secret_access_key;
    std::size_t identity = 0; // conf::identity::number: who signs again
};

// Immutable: made at the start and on each reload.
class client_table {
public:
    explicit client_table(std::vector<known_client> all);
    const known_client* find(std::string_view access_key_id) const noexcept;

private:
    std::vector<known_client> by_id_; // sorted
};
using shared_clients = std::shared_ptr<const client_table>; // null: nobody has to sign

// Reads the secrets' files: one line, at most 4 KiB; warns of one that all users may read. Throws conf::error.
shared_clients read_clients(const conf::config& c, const chain::world& outside);

// What is wrong with a client's signature.
struct client_fault {
    signer::mismatch what = signer::mismatch::none;
    std::string detail;
};

// What a request says of its client, and who that is. Not to be believed before check_client.
struct client_claim {
    shared_clients all; // keeps …
    const known_client* who = nullptr;
    signer::claim said;
};

// Computes no signature. REQUIRES: all.
std::variant<client_claim, client_fault> read_client(shared_clients all, const inbound& in);

// As what the proxy would sign the request: the client's own signature must be for the same.
struct client_scope {
    std::string_view service;
    std::string_view region;
    signer::path_rule path = signer::path_rule::standard;
};

// Is the request as it came, with all of its body, signed as `c` says, not 15 minutes away from `now`? nullopt: yes.
// A body that the signature leaves out (UNSIGNED-PAYLOAD, presigned URLs) is taken for S3 only. `body_hash` is H(body)
// in hex, "" where the request says UNSIGNED-PAYLOAD; `keys` keeps what was derived from clients' secrets.
// REQUIRES: read_client(..., in) gave `c`.
std::optional<client_fault> check_client(
    const client_claim& c,
    const inbound& in,
    std::string_view body_hash,
    const client_scope& where,
    std::chrono::sys_seconds now,
    signer::key_cache& keys
);

// 403 with the code by which the asked service names the fault.
refusal refuse_client(const client_fault& fault, signer::wire_protocol protocol);

} // namespace countersign::proxy
