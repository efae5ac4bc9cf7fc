// Sends a request upstream, again where that is worth it and does no harm, and passes the answer on: retries by
// rules/retry.hpp, other keys, another region and another clock by rules/healing.hpp, S3's other places by
// rules/redirect.hpp. On the worker's thread.
#pragma once

#include "proxy/attempt.hpp"
#include "proxy/client.hpp"
#include "proxy/net/alarm.hpp"
#include "proxy/request_body.hpp"
#include "proxy/rules/healing.hpp"
#include "proxy/rules/redirect.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::proxy {

class retry_loop {
public:
    // `a` and `p` are where it begins; S3 may send it elsewhere.
    retry_loop(
        client& c,
        const received& r,
        const admitted& a,
        const prepared& p,
        const request_content& content,
        const request_body& body,
        body::body_hash& hash,
        worker_state& w,
        exchange_memory& memory,
        exchange_record& record
    );

    // nullopt: an answer was passed on, as far as that went, or the client has left.
    task<std::optional<refusal>> run();
    void cancel() noexcept; // the client has left; run() ends soon

private:
    enum class next_step : std::uint8_t { again, pass_on, stop };

    task<std::optional<refusal>> try_all();
    task<next_step> decide_next(outcome& out);
    task<bool> heal(outcome& out);
    void start_elsewhere();
    bool follow_redirect(const outcome& out);
    bool correct_region(std::string_view region);
    bool move_to(const redirect_target& to);
    bool speaks_against_place(const outcome& out) const noexcept;
    void count_retry(retry_reason why) noexcept;
    task<bool> wait(std::chrono::milliseconds delay);
    task<std::optional<refusal>> await_token();
    task<std::optional<refusal>> make_ready();
    void count_on();
    task<std::optional<refusal>> end(outcome& out);

    client& client_;
    const received& received_;
    admitted admitted_; // without its tenant, which was asked about
    prepared prepared_;
    const request_content& content_;
    const request_body& body_;
    body::body_hash& hash_;
    worker_state& worker_;
    exchange_record& record_;
    const bool has_tenant_;
    const destination_ptr named_; // of the client's host, wherever the request goes meanwhile
    attempts_of attempts_;
    tried_remedies tried_;
    unsigned paid_ = 0; // what the last retry cost
    std::string sdk_request_;
    alarm* alarm_ = nullptr;
};

} // namespace countersign::proxy
