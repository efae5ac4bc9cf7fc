// Everything that the sandbox answers, without a socket: one request in, one answer out. Verifies first,
// applies the faults that were asked for, then lets the service answer. Never tells a secret of others: its
// journal and its explanations hold no token and no whole signature. One thread.
#pragma once

#include "proxy/sandbox/dynamodb.hpp"
#include "proxy/sandbox/fault.hpp"
#include "proxy/sandbox/gate.hpp"
#include "proxy/sandbox/keys.hpp"
#include "proxy/sandbox/message.hpp"
#include "proxy/sandbox/metadata.hpp"
#include "proxy/sandbox/page.hpp"
#include "proxy/sandbox/s3.hpp"
#include "proxy/sandbox/sts.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace countersign::proxy::sandbox {

inline constexpr std::size_t store_limit = 16 * 1024 * 1024; // of S3 and of DynamoDB each, and of one body

class site {
public:
    // `report` hears of each request but those for the sandbox's own pages.
    site(
        random_source random, std::chrono::seconds credential_lifetime, std::function<void(const journal_entry&)> report
    );

    answer respond(const request& ask, std::chrono::sys_seconds now);

private:
    // What the x-fault parameters of one request come to.
    struct fault_plan {
        std::optional<answer> instead; // the service is not asked at all
        delivery how = delivery::whole;
        std::chrono::milliseconds delay{0};
        std::string hit; // the parameters that hit this time
    };

    answer open_answer(const request& ask, std::chrono::sys_seconds now, journal_entry& entry);
    answer signed_answer(const request& ask, std::chrono::sys_seconds now, journal_entry& entry);
    // What the service answers, unless a fault that was asked for comes before it.
    using service_call = std::function<std::variant<answer, service_error>()>;
    answer answer_by(
        const service_call& serves,
        const request& ask,
        signer::wire_protocol protocol,
        std::string_view request_id,
        journal_entry& entry
    );
    answer
    answer_anyone(const request& ask, std::string_view request_id, std::chrono::sys_seconds now, journal_entry& entry);
    std::variant<answer, service_error>
    serve(const request& ask, const verdict& v, std::string_view request_id, std::chrono::sys_seconds now);
    std::variant<answer, service_error> serve_s3(const request& ask, const identity& who, std::chrono::sys_seconds now);
    answer own_page(const request& ask) const;

    // A malformed parameter is answered with 400 and the forms there are.
    fault_plan plan_faults(const request& ask, signer::wire_protocol protocol, std::string_view request_id);

    key_ring keys_;
    sts sts_;
    metadata metadata_;
    s3 s3_{store_limit};
    dynamodb dynamodb_{store_limit};
    fault_counter faults_;
    std::deque<journal_entry> journal_; // the last 100, oldest first
    std::function<void(const journal_entry&)> report_;
    std::uint64_t served_ = 0;
};

} // namespace countersign::proxy::sandbox
