// Every setting of the proxy, its default and its meaning. Plain data: made at the start (and on reload) by load.hpp,
// read-only afterwards, shared by all threads. Secrets never stand here.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace countersign::conf {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A host and a port, of a listener or of something to dial. "[::1]:80", "127.0.0.1:8080", "localhost:9000".
struct endpoint {
    std::string host;
    std::uint16_t port = 0;
    bool operator==(const endpoint&) const = default;
};

enum class scheme : std::uint8_t { https, http };
enum class sign_mode : std::uint8_t { header, query, none };
enum class payload_mode : std::uint8_t { automatic, signed_body, streaming, unsigned_body };
enum class retry_mode : std::uint8_t { standard, adaptive, off };
enum class unknown_outcome : std::uint8_t { safe, all, never };
enum class other_hosts : std::uint8_t { deny, pass };
enum class log_format : std::uint8_t { text, json };
enum class log_level : std::uint8_t { debug, info, warn, error, off };

struct listen_settings {
    std::vector<endpoint> address{{"127.0.0.1", 8080}};
    bool allow_remote = false;             // an address that is not loopback is an error without this
    unsigned workers = 0;                  // threads; 0: one per core
    unsigned max_connections = 10000;      // client connections, all workers together
    milliseconds header_timeout{20000};    // first byte (of a new connection: accept) to end of a request's head
    milliseconds body_timeout{30000};      // silence inside a body, either direction
    milliseconds idle_timeout{60000};      // between requests of a keep-alive connection
    milliseconds drain_timeout{30000};     // after SIGTERM
    std::vector<std::string> allow_origin; // Origin values of web pages that may use the proxy; default none
};

struct admin_settings {
    std::optional<endpoint> address = endpoint{"127.0.0.1", 8081}; // address = "off": none
};

// The default identity. Keys come from the provider chain, never from here.
struct credential_settings {
    std::string profile;              // "": AWS_PROFILE, else "default"
    bool profile_is_explicit = false; // from the command line: environment keys are not looked at then
    std::string region;               // "": AWS_REGION, AWS_DEFAULT_REGION, the profile, the instance
    std::string access_key_id;        // with the next: the command-line provider
    std::string secret_access_key_file;
};

// One [identity.NAME]: keys of its own, for the routes that name it.
struct identity {
    std::string name;
    std::string profile;                      // "": the provider chain's own choice
    std::string role_arn;                     // assumed with the keys of the above; "": these keys themselves
    std::string external_id;                  // these five with role_arn only
    std::string role_session_name;            // "": made up for each call
    std::optional<unsigned> duration_seconds; // none: STS's own default, an hour
    std::string session_policy;               // JSON
    std::vector<std::pair<std::string, std::string>> tags;
    int line = 0;           // in the file, for messages
    std::size_t number = 0; // of this identity in this process: never another's; 0 is [credentials]
};

// The same, wherever it stands in the file.
inline bool operator==(const identity& a, const identity& b) {
    const auto all = [](const identity& i) {
        return std::tie(
            i.name,
            i.profile,
            i.role_arn,
            i.external_id,
            i.role_session_name,
            i.duration_seconds,
            i.session_policy,
            i.tags
        );
    };
    return all(a) == all(b);
}

// One [[client]]: who may use the proxy, by a key pair that it signs its own requests with. No account has these keys.
struct client {
    std::string access_key_id;
    std::string secret_access_key_file;
    std::string identity;           // as in a route
    std::size_t identity_index = 0; // as in a route
    int line = 0;                   // in the file, for messages
};

// upstream.response_timeout where neither the configuration nor the service says otherwise.
constexpr milliseconds usual_response_timeout{60000};

// route.rate_limit_wait where it is not set.
constexpr milliseconds usual_rate_limit_wait{5000};

struct upstream_settings {
    std::string ca_file;                // PEM, trusted besides the system's roots
    milliseconds connect_timeout{5000}; // name resolution and TCP
    milliseconds tls_timeout{10000};
    milliseconds request_timeout{60000}; // the request written; of a body that is no longer in memory each block
    // Request written to the end of the answer's head. None: usual_response_timeout, or as long as the service itself
    // may take (signer/answer_time.hpp).
    std::optional<milliseconds> response_timeout;
    milliseconds idle_timeout{20000}; // an unused connection is closed after this
    unsigned max_idle_per_host = 64;  // per worker
};

struct payload_settings {
    std::uint64_t memory_limit = 1 << 20;      // a request body in memory; above: a temporary file
    std::uint64_t replay_limit = 8 << 20;      // one that could be streamed as well, so that it can be sent again
    std::uint64_t memory_total = 256ull << 20; // all request bodies in memory together; above: as above the limits
    std::uint64_t spill_limit = 5ull << 30;    // one in a temporary file; above: 413
    std::string spill_directory = "/var/tmp";  // of these files, which have no name there
};

struct retry_settings {
    retry_mode mode = retry_mode::standard;
    std::optional<unsigned> max_attempts; // the first one included; default 3 (DynamoDB 4), see rules/retry.hpp
    milliseconds max_elapsed{60000};      // no further attempt begins later than this after its request began
    // What is repeated where nobody knows whether the service has acted (RFC 9110 9.2.2); see rules/repeatable.hpp.
    conf::unknown_outcome unknown_outcome = conf::unknown_outcome::safe;
};

// An entry of policy.allow or policy.deny: it holds for a request when all that it names holds. Globs; in lower case.
struct rule {
    std::string host;
    std::string service;
    std::string region;
    std::string action_service; // of "sqs:Delete*" what stands before the colon
    std::string action;         // … and what stands behind it
    std::vector<std::string> method;
    int line = 0; // in the file, for messages
};

struct policy_settings {
    other_hosts other = other_hosts::deny;
    std::vector<rule> allow; // what may be signed for; empty: every AWS endpoint
    std::vector<rule> deny;  // stronger than allow
    bool dry_run = false;    // show signed requests to local clients that ask for it
};

struct log_settings {
    log_level level = log_level::info;
    log_format format = log_format::text;
    bool access = true; // one line a request
};

// So many requests in so long a time.
struct rate {
    unsigned count = 0;
    milliseconds per{1000};
    bool operator==(const rate&) const = default;
};

struct header_line {
    std::string name;
    std::string value;
};

// One [[route]]. The first whose host, path and method match decides.
struct route {
    std::string name;                 // for the access log; "": the host glob
    std::string host = "*";           // glob: '*' any run of characters, '?' one; lower-case
    std::string path;                 // begin of the decoded path, whole segments (rules/route_choice.hpp); "": any
    std::vector<std::string> method;  // empty: any
    std::optional<endpoint> upstream; // fixed host: Host header, TLS name and dialled address become this one
    std::optional<conf::scheme> upstream_scheme; // scheme of `upstream`'s URL
    std::optional<endpoint> connect;             // dialled instead of the host; Host and TLS name stay the request's
    std::optional<conf::scheme> scheme;          // default https
    std::string service;                         // "": from the host
    std::string region;                          // "": from the host; a region set ("*", "us-east-1,eu-*"): SigV4A
    sign_mode sign = sign_mode::header;
    payload_mode payload = payload_mode::automatic;
    std::optional<unsigned> max_attempts;
    std::vector<std::string> sign_headers;     // lower-case names, signed besides those of signer/headers.hpp
    std::vector<std::string> unsigned_headers; // lower-case names, not signed though that rule says so
    std::optional<conf::retry_mode> retry_mode;
    std::optional<milliseconds> connect_timeout; // these four: else as in [upstream]
    std::optional<milliseconds> request_timeout;
    std::optional<milliseconds> response_timeout;
    std::optional<milliseconds> idle_timeout;
    std::optional<rate> rate_limit;              // requests of clients, all workers together; above they wait,
    std::optional<milliseconds> rate_limit_wait; // for so long at most, else 503; none: usual_rate_limit_wait
    std::vector<header_line> add_headers;        // before signing, in place of what the client sent by these names
    std::vector<std::string> remove_headers;     // lower-case
    std::string identity;                        // name of an [identity.NAME]; "" or "default": [credentials]
    std::size_t identity_index = 0;              // of the same: identity::number
    int line = 0;                                // in the file, for messages
};

struct config {
    std::string source; // the file it was read from; "" when there was none
    listen_settings listen;
    admin_settings admin;
    credential_settings credentials;
    upstream_settings upstream;
    payload_settings payload;
    retry_settings retry;
    policy_settings policy;
    log_settings log;
    std::vector<identity> identities;
    std::vector<route> routes;
    std::vector<client> clients; // empty: whoever reaches a listener may use it
    // Where a value came from that is no default: "listen.workers", "route.0.host" → "FILE:LINE", "AWS_CA_BUNDLE" …
    std::map<std::string, std::string> origins;
};

} // namespace countersign::conf
