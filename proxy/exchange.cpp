#include "proxy/exchange.hpp"

#include "proxy/admission.hpp"
#include "proxy/credential_gate.hpp"
#include "proxy/request_writer.hpp"
#include "signer/sigv4a.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <cstring>
#include <span>
#include <utility>

namespace countersign::proxy {

namespace {

constexpr auto credentials_limit = std::chrono::seconds{25}; // for an identity's first credentials

// What the client's library understands, where a request is refused before it is known where it goes.
signer::wire_protocol protocol_of(std::string_view host) noexcept {
    const auto found = signer::scope_of(host);
    const auto* scope = std::get_if<signer::host_scope>(&found);
    return scope ? signer::traits_of(scope->service).errors : signer::wire_protocol::text;
}

} // namespace

exchange::exchange(client& c, worker_state& w, exchange_memory& memory) noexcept
    : client_(c), worker_(w), memory_(memory), body_(c, received_, w) {}

task<> exchange::run(const arrived_head& head) {
    std::optional<refusal> refused;
    try {
        refused = co_await answer(head);
    } catch (const signer::ecdsa_failure& failure) { // SigV4A: before a byte of the attempt was sent
        spdlog::error("{} {}: no signature: {}", received_.request.method, received_.request.host, failure.what());
        refused = refusal{500, "signing-failed", fmt::format("The request could not be signed: {}.", failure.what())};
    }
    loop_ = nullptr;
    give_turn_back();
    if (refused && !client_.has_left()) {
        co_await refuse(*refused);
    }
    record_.request_bytes = body_.size();
    write_record(refused ? &*refused : nullptr);
}

// Of the route's rate: whose turn has not come has not been sent.
void exchange::give_turn_back() noexcept {
    if (admitted_ && admitted_->turn > worker_.now()) {
        admitted_->destination->limiter->give_back();
    }
}

void exchange::cancel() noexcept {
    if (loop_) {
        loop_->cancel();
    }
}

// One step after the other; the first refusal ends it.
task<std::optional<refusal>> exchange::answer(const arrived_head& head) {
    std::optional<refusal> no = receive(head);
    if (!no) {
        no = admit_it();
    }
    if (!no) {
        no = co_await await_keys();
    }
    if (!no) {
        no = verify_before_body();
    }
    if (!no) {
        no = co_await take_body();
    }
    if (!no && !client_.has_left()) {
        no = prepare_it();
    }
    if (!no && !client_.has_left()) {
        no = co_await send();
    }
    co_return no;
}

std::optional<refusal> exchange::receive(const arrived_head& head) {
    received_.began = head.began;
    if (head.is_late) {
        return refusal{408, "slow-request", "The request's head did not arrive in time."};
    }
    request_head parsed;
    head_error fault = head.fault;
    if (fault == head_error::none) {
        received_.head_size = head.size;
        const std::string_view text = client_.buffer().bytes().substr(0, head.size);
        fault = parse_request(text, memory_.request_fields, parsed);
    }
    if (fault != head_error::none) {
        return refuse_head(fault);
    }
    const inbound_rules rules{worker_.shared.via_name, worker_.config->listen.allow_origin};
    inbound& in = received_.request;
    std::optional<refusal> no = read_inbound(parsed, rules, in);
    // Until its body is read we do not know where the next request starts.
    record_.keep_alive = in.keep_alive && in.framing == body_framing::none && !(no && ends_connection(*no));
    return no;
}

std::optional<refusal> exchange::admit_it() {
    auto found = admit(received_, worker_);
    if (auto* no = std::get_if<refusal>(&found)) {
        return std::move(*no);
    }
    admitted_ = std::get<admitted>(std::move(found));
    record_.destination = admitted_->destination;
    std::optional<refusal> no = find_tenant(received_, worker_, *admitted_);
    if (!no) {
        no = check_before_body(received_, *admitted_, client_.is_local(), worker_);
    }
    if (no) {
        return no;
    }
    auto choice = choose_body(received_, *admitted_, worker_);
    if (auto* const why = std::get_if<refusal>(&choice)) {
        return std::move(*why);
    }
    content_.choice = std::get<body::payload_choice>(choice);
    record_.payload = content_.choice.plan;
    return std::nullopt;
}

task<std::optional<refusal>> exchange::await_keys() {
    if (!admitted_->is_signed()) {
        co_return std::nullopt;
    }
    co_return co_await await_credentials(worker_, admitted_->identity, received_.began + credentials_limit);
}

// A tenant who says in the head what its body is, or leaves it out, is known by the head.
std::optional<refusal> exchange::verify_before_body() {
    body_.begin(admitted_->tenant.has_value());
    const inbound& in = received_.request;
    const bool is_verified_here = admitted_->tenant && !vouches_by_body(received_);
    if (is_verified_here) {
        const bool is_left_out = in.claim == payload_claim::unsigned_payload;
        if (auto no =
                verify_tenant(received_, *admitted_, is_left_out ? std::string_view{} : in.content_sha256, worker_)) {
            return no;
        }
    }
    if (const auto form = content_.choice.takes) {
        std::optional<signer::chunk_verifier> verifier;
        if (is_verified_here && *form != signer::chunk_form::unsigned_trailer) {
            verifier.emplace(chunk_verifier_of(*admitted_, worker_));
        }
        body_.decode({*form, in.decoded_length, body::announced_sum(in)}, verifier ? &*verifier : nullptr);
    }
    return std::nullopt;
}

task<std::optional<refusal>> exchange::take_body() {
    // Nothing will come, but botocore wants to hear it all the same: else it misreads its connection's next answer
    // (github.com/boto/botocore/issues/3755).
    if (body_.is_complete() && received_.request.expects_continue) {
        const io_error told = co_await body_.allow();
        if (told != io_error::none) {
            client_.leave();
            co_return std::nullopt;
        }
    }
    if (const auto all = body_.take_in_place()) {
        content_.bytes = *all;
        content_.choice.is_streamed = false;
        record_.keep_alive = received_.request.keep_alive;
        co_return check_body();
    }
    if (!content_.choice.is_streamed) {
        co_return co_await keep_body();
    }
    const body::payload_choice& how = content_.choice;
    const bool is_checked = how.plan == body::payload_plan::given_hash;
    content_.length = body::content_length_of(received_.request, how.takes.has_value()).value_or(0);
    streamed_ = std::make_unique<streamed_body>(
        body_,
        client_,
        worker_.blocks.large,
        content_.length,
        how.sends.has_value(),
        is_checked ? received_.request.content_sha256 : std::string_view{}
    );
    content_.stream = &*streamed_;
    co_return std::nullopt;
}

// All of it, in memory or in a temporary file.
task<std::optional<refusal>> exchange::keep_body() {
    const conf::payload_settings& limits = worker_.config->payload;
    kept_ = std::make_unique<kept_body>(
        body::storage{
            worker_.shared.disks,
            worker_.context,
            worker_.time,
            worker_.blocks.large,
            {worker_.shared.body_bytes, limits.memory_total},
            content_.choice.memory,
            limits.spill_limit,
            limits.spill_directory},
        body::content_length_of(received_.request, content_.choice.takes.has_value())
    );
    const io_error e = co_await fill_store();
    const body::store& store = kept_->store;
    if (e != io_error::none) {
        if (e == io_error::storage_full || e == io_error::storage_failed) {
            spdlog::warn("cannot keep a body in {}: {}", limits.spill_directory, std::strerror(store.error()));
        }
        if (is_fault_of_body(e)) {
            co_return body_.explain(e);
        }
        client_.leave(); // an aborted upload: nothing of it goes upstream
        co_return std::nullopt;
    }
    content_.trailers = body_.trailers();
    content_.length = store.size();
    if (store.is_spilled()) {
        const bool is_hashed = content_.choice.plan == body::payload_plan::memory;
        content_.choice.plan = is_hashed ? body::payload_plan::spilled : content_.choice.plan;
        hash_.set(store.hash());
        content_.stream = &kept_->file;
    } else {
        content_.bytes = store.view();
    }
    record_.keep_alive = received_.request.keep_alive;
    co_return check_body();
}

task<io_error> exchange::fill_store() {
    body::store& store = kept_->store;
    std::array<char, 512> for_the_end{}; // of the coding, when all of the content is there
    while (!body_.is_complete()) {
        std::span<char> room{for_the_end};
        io_error e = io_error::none;
        if (store.lacks_content()) {
            e = co_await store.room(room);
        }
        if (e != io_error::none) {
            co_return e;
        }
        std::size_t got = 0;
        e = co_await body_.fill(room, got, false);
        store.added(got);
        if (e != io_error::none) {
            co_return e;
        }
        if (client_.has_left()) {
            co_return io_error::cancelled;
        }
    }
    co_return co_await store.finish();
}

// Of a body that is there whole: is it what the head says?
std::optional<refusal> exchange::check_body() {
    if (content_.choice.plan != body::payload_plan::given_hash) {
        return std::nullopt;
    }
    const std::string_view hash = content_.stream ? hash_.known() : hash_.of(content_.bytes);
    if (hash != received_.request.content_sha256) {
        return body_.explain(io_error::wrong_body);
    }
    return std::nullopt;
}

std::optional<refusal> exchange::prepare_it() {
    std::optional<refusal> no;
    if (admitted_->tenant && vouches_by_body(received_)) {
        no = verify_tenant(received_, *admitted_, content_.stream ? hash_.known() : hash_.of(content_.bytes), worker_);
    }
    if (!no) {
        prepared_ = prepare(received_, *admitted_, content_, hash_, memory_.of_request());
        prepared_->ready = content_.stream ? worker_.now() : received_.began;
        record_.payload = prepared_->payload;
        no = check_action(received_, *admitted_, *prepared_);
    }
    return no;
}

task<std::optional<refusal>> exchange::send() {
    if (received_.request.dry == dry_run::sign) {
        co_return co_await show_signed();
    }
    retry_loop loop{client_, received_, *admitted_, *prepared_, content_, body_, hash_, worker_, memory_, record_};
    loop_ = &loop;
    std::optional<refusal> no = co_await loop.run();
    loop_ = nullptr;
    co_return no;
}

// The request as its first attempt would send it. Nobody is dialled.
task<std::optional<refusal>> exchange::show_signed() {
    if (admitted_->is_signed()) {
        if (auto no = check_credentials(worker_, admitted_->identity)) {
            co_return no;
        }
    }
    record_.keep_alive = record_.keep_alive && !client_.is_closing();
    signed_as with;
    const written_head written =
        write_request_head(received_, *admitted_, *prepared_, worker_, memory_.of_attempt(), with);
    const std::string_view head = written.text;
    record_.region = with.region;
    const std::string answer = fmt::format(
        "HTTP/1.1 200 OK\r\nContent-Type: message/http\r\nContent-Length: {}\r\nCache-Control: no-store\r\n{}\r\n",
        head.size() + prepared_->body.size(),
        record_.keep_alive ? "" : "Connection: close\r\n"
    );
    record_.status = 200;
    const bool is_head = received_.request.is_head;
    const std::string_view shown = is_head ? std::string_view{} : head;
    const std::string_view body = is_head ? std::string_view{} : prepared_->body;
    const gather buffers{asio::buffer(answer), asio::buffer(shown), asio::buffer(body)};
    const io_error e = co_await write_to(client_, buffers);
    if (e != io_error::none) {
        record_.keep_alive = false;
        co_return std::nullopt;
    }
    record_.response_bytes = shown.size() + body.size();
    co_return std::nullopt;
}

task<> exchange::refuse(const refusal& r) {
    const inbound& in = received_.request;
    const auto protocol = admitted_ ? admitted_->destination->plan.traits.errors : protocol_of(in.host);
    record_.status = r.status;
    ++worker_.metrics.refusals_total;
    if (r.code == "policy-denied" || r.code == "client-refused") {
        spdlog::warn("{} {}: {} ({})", in.method, in.host, r.message, worker_.config->source);
    }
    record_.keep_alive = record_.keep_alive && !client_.is_closing();
    const std::string text = render(r, protocol, in.is_head, !record_.keep_alive);
    const gather buffers{asio::buffer(text)};
    const io_error e = co_await write_to(client_, buffers);
    if (e != io_error::none) {
        record_.keep_alive = false;
    }
}

void exchange::write_record(const refusal* r) {
    const auto took = worker_.now() - received_.began;
    const destination* const d = record_.destination.get();
    worker_metrics& m = worker_.metrics;
    m.request_seconds.add(took);
    m.request_bytes += record_.request_bytes;
    m.response_bytes += record_.response_bytes;
    scope_counters& counters = d ? *d->counters : m.of_scope("", "");
    ++counters.requests_by_code[record_.status];
    if (!worker_.config->log.access) {
        return;
    }
    const inbound& in = received_.request;
    access_entry e;
    e.time = worker_.wall_now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(took);
    e.client = client_.peer();
    e.method = in.method;
    e.host = in.host;
    e.path = in.path_and_query;
    if (d) {
        e.service = d->plan.service;
        e.region = record_.region.empty() ? d->region() : std::string_view{record_.region};
        e.route = d->plan.route;
        if (admitted_ && admitted_->is_signed()) {
            e.identity = worker_.identities[admitted_->identity].name;
        }
    }
    e.status = record_.status;
    e.attempts = record_.attempts;
    e.request_bytes = record_.request_bytes;
    e.response_bytes = record_.response_bytes;
    e.duration = took;
    e.upstream = record_.upstream_time;
    e.payload = body::to_string(record_.payload);
    e.refusal = r ? r->code : std::string_view{};
    worker_.log.add(e);
}

} // namespace countersign::proxy
