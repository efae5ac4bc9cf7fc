// One request and its answer: may it, where to, with which body, there and back, or a refusal of our own. Lent its
// memory when the request's head is whole. On the worker's thread.
#pragma once

#include "proxy/body/store.hpp"
#include "proxy/client.hpp"
#include "proxy/request_body.hpp"
#include "proxy/retry_loop.hpp"
#include "proxy/stages.hpp"
#include "proxy/streamed_body.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace countersign::proxy {

// A request's head in the client's buffer, or what is wrong with it.
struct arrived_head {
    io_error error = io_error::none; // nobody is there to be answered
    head_error fault = head_error::none;
    bool is_late = false;
    std::size_t size = 0;
    steady_time began{}; // its first byte
};

class exchange {
public:
    exchange(client& c, worker_state& w, exchange_memory& memory) noexcept;

    // From the head to the end of the answer, and into the log.
    task<> run(const arrived_head& head);
    void cancel() noexcept; // the client has left; run() ends soon

    // Afterwards.
    const exchange_record& record() const noexcept { return record_; }
    // How much of the client's buffer was this request, and what was read beyond.
    std::size_t used_of_buffer() const noexcept { return received_.head_size + body_.taken_from_buffer(); }
    read_buffer& behind() noexcept { return body_.behind(); }

private:
    struct kept_body {
        kept_body(body::storage where, std::optional<std::uint64_t> length) noexcept
            : store(std::move(where), length), file(store) {}
        body::store store;
        body::file_source file; // what reads the store's, where it has one
    };

    task<std::optional<refusal>> answer(const arrived_head& head);
    std::optional<refusal> receive(const arrived_head& head);
    std::optional<refusal> admit_it();
    task<std::optional<refusal>> await_keys();
    std::optional<refusal> verify_before_body();
    task<std::optional<refusal>> take_body();
    task<std::optional<refusal>> keep_body();
    task<io_error> fill_store();
    std::optional<refusal> check_body();
    std::optional<refusal> prepare_it();
    task<std::optional<refusal>> send();
    task<std::optional<refusal>> show_signed(); // instead of sending it
    task<> refuse(const refusal& r);
    void give_turn_back() noexcept;
    void write_record(const refusal* r);

    client& client_;
    worker_state& worker_;
    exchange_memory& memory_;
    received received_;
    request_body body_;
    request_content content_;
    std::unique_ptr<kept_body> kept_; // these two are made on demand: most bodies lie in the client's buffer
    std::unique_ptr<streamed_body> streamed_;
    body::body_hash hash_;
    std::optional<admitted> admitted_;
    std::optional<prepared> prepared_;
    retry_loop* loop_ = nullptr; // while it runs
    exchange_record record_;
};

} // namespace countersign::proxy
