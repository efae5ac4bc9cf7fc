// policy.allow and policy.deny. What host, service and region decide is decided once for each destination; only what
// needs the method or the action is asked for each request, and only where some entry names one. Pure; any thread.
//
// Deny is stronger than allow. An allow list that has entries refuses what none of them holds for. Both fail closed: a
// request whose action cannot be told for certain holds for every deny entry that asks for an action (and holds
// otherwise), and for no allow entry that does.
// Deny binds everything that goes through, signed or not. Allow says what may be signed for; as long as it names hosts
// only, a route's host is allowed by having a route (a list of hosts would only repeat the routes). Once it names
// anything else it binds routes too: a route says where a host is, not what may be done there.
#pragma once

#include "conf/config.hpp"
#include "proxy/http/refusal.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace countersign::proxy {

// What is known of every request to one destination.
struct policy_facts {
    std::string_view asked_host; // as the client named it
    std::string_view host;       // where it goes; another one with a route's `upstream`
    std::string_view service;
    std::string_view region; // SigV4A: a region set, every region of which may be meant
    bool is_routed = false;
    bool is_signed = true;
};

// What is left to ask for each request: entries whose host, service and region hold already.
struct request_rules {
    std::vector<conf::rule> deny;
    std::vector<conf::rule> allow;
    bool allows_rest = true; // what none of `allow` holds for may go, too
    std::string service;     // for messages
};
using shared_rules = std::shared_ptr<const request_rules>; // null: nothing is left to ask

std::variant<shared_rules, refusal> decide_for_host(const conf::policy_settings& policy, const policy_facts& facts);

enum class action_state : std::uint8_t {
    pending, // it may stand in the body, which is not there yet
    unknown, // cannot be told for certain
    known,
};

struct policy_question {
    std::string_view method;
    bool method_is_overridden = false; // X-HTTP-Method-Override and its like: another one may be meant
    action_state state = action_state::pending;
    std::string_view action; // any case
};

enum class policy_result : std::uint8_t { pass, refused, pending };

struct policy_answer {
    policy_result result = policy_result::pass;
    const conf::rule* by = nullptr; // the deny entry that matched; null: no allow entry did
};

policy_answer decide_for_request(const request_rules& rules, const policy_question& asked) noexcept;

// 403; its message names the entry's line in the file, and the action where it is known.
refusal refuse_by_policy(const request_rules& rules, const policy_question& asked, const policy_answer& answer);

} // namespace countersign::proxy
