#include "proxy/request_body.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace countersign::proxy {

namespace {

constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::size_t longest_read = 64 * 1024; // where it may go beyond the body's end

refusal refuse_coding(const signer::chunk_error& where) {
    refusal no{
        400,
        "bad-chunked-payload",
        fmt::format("The aws-chunked body is wrong at byte {}: {}.", where.position, where.reason)};
    if (where.reason.ends_with("signature does not match")) { // a tenant's
        no.status = 403;
        no.code = "client-refused";
        no.aws_code = "SignatureDoesNotMatch";
    } else if (where.reason == "the checksum does not match") {
        no.aws_code = "BadDigest";
    }
    return no;
}

} // namespace

bool is_fault_of_body(io_error e) noexcept {
    switch (e) {
    case io_error::malformed:
    case io_error::too_large:
    case io_error::timed_out:
    case io_error::wrong_body:
    case io_error::storage_full:
    case io_error::storage_failed:
        return true;
    default:
        return false;
    }
}

void request_body::begin(bool is_tenants) noexcept {
    is_tenants_ = is_tenants;
    const inbound& in = received_.request;
    left_ = in.framing == body_framing::length ? in.content_length : 0;
    is_complete_ = in.framing == body_framing::none || (in.framing == body_framing::length && left_ == 0);
}

void request_body::decode(const signer::chunk_rules& rules, const signer::chunk_verifier* verifier) {
    coding_ = verifier ? std::make_unique<signer::chunk_decoder>(rules, *verifier)
                       : std::make_unique<signer::chunk_decoder>(rules);
}

std::optional<std::string_view> request_body::take_in_place() noexcept {
    if (is_complete_) {
        return std::string_view{};
    }
    if (coding_ || received_.request.framing != body_framing::length || arrived().size() < left_) {
        return std::nullopt;
    }
    const std::string_view all = arrived().substr(0, static_cast<std::size_t>(left_));
    taken_ += all.size();
    size_ = all.size();
    left_ = 0;
    has_begun_ = is_complete_ = true;
    return all;
}

task<io_error> request_body::fill(std::span<char> into, std::size_t& got, bool whole) {
    got = 0;
    while (got < into.size() && !is_complete_ && (whole || got == 0)) {
        std::size_t raw = 0;
        const std::span<char> room = into.subspan(got);
        io_error e = co_await read_raw(room, raw);
        if (e != io_error::none) {
            co_return e;
        }
        char* out = room.data();
        e = take_framing({room.data(), raw}, out);
        const auto content = static_cast<std::size_t>(out - room.data());
        got += content;
        size_ += content;
        if (e != io_error::none) {
            co_return e;
        }
    }
    co_return io_error::none;
}

// As they are on the wire: from the client's buffer, where some came with the head, then from its connection.
task<io_error> request_body::read_raw(std::span<char> into, std::size_t& got) {
    const bool is_length = received_.request.framing == body_framing::length;
    const std::size_t most = is_length ? static_cast<std::size_t>(std::min<std::uint64_t>(left_, into.size()))
                                       : std::min(into.size(), longest_read);
    const std::string_view first = arrived().substr(0, most);
    is_from_buffer_ = !first.empty();
    if (is_from_buffer_) {
        std::memcpy(into.data(), first.data(), first.size());
        taken_ += first.size();
        got = first.size();
    } else {
        io_error e = co_await allow();
        if (e == io_error::none) {
            is_waiting_ = true;
            e = co_await client_.read_body(asio::buffer(into.data(), most), got);
            is_waiting_ = false;
        }
        if (e == io_error::cancelled && std::exchange(is_interrupted_, false)) {
            co_return io_error::interrupted;
        }
        if (e != io_error::none) {
            co_return e;
        }
    }
    has_begun_ = true;
    left_ -= is_length ? got : 0;
    co_return io_error::none;
}

// RFC 9110 10.1.1
task<io_error> request_body::allow() {
    if (has_begun_ || is_allowed_ || !received_.request.expects_continue) {
        co_return io_error::none;
    }
    is_allowed_ = true;
    const gather line{asio::buffer(continue_line)};
    co_return co_await write_to(client_, line);
}

std::span<const signer::trailer> request_body::trailers() const noexcept {
    return last_ ? std::span<const signer::trailer>{last_->trailers.data(), last_->count}
                 : std::span<const signer::trailer>{};
}

void request_body::interrupt() noexcept {
    if (is_waiting_ && !is_interrupted_) {
        is_interrupted_ = true;
        client_.interrupt_read();
    }
}

// The content moves to `out`, within the bytes that it comes in.
io_error request_body::take_framing(std::string_view raw, char*& out) {
    if (received_.request.framing == body_framing::length) {
        const io_error e = take_content(raw, out);
        return e == io_error::none && left_ == 0 ? end({}) : e;
    }
    while (!last_) {
        std::string_view content;
        const auto step = framing_.next_before_trailers(raw, content);
        if (step == chunked_decoder::step::more) {
            return io_error::none;
        }
        if (step == chunked_decoder::step::broken) {
            return io_error::malformed;
        }
        if (step == chunked_decoder::step::trailer) {
            last_ = std::make_unique<behind_chunks>();
        } else if (const io_error e = take_content(content, out); e != io_error::none) {
            return e;
        }
    }
    return take_lines(raw);
}

// Behind the last chunk, up to the empty line.
io_error request_body::take_lines(std::string_view raw) {
    constexpr std::size_t most = chunked_decoder::longest_trailers + longest_read;
    std::string& lines = last_->lines;
    if (lines.size() + raw.size() > most) {
        return io_error::malformed;
    }
    lines.append(raw);
    std::string_view left = lines;
    for (;;) {
        std::string_view line;
        const auto step = framing_.take_trailer(left, line);
        if (step == chunked_decoder::step::broken) {
            return io_error::malformed;
        }
        if (step == chunked_decoder::step::complete) {
            return end(left);
        }
        if (line.empty()) {
            lines.erase(0, lines.size() - left.size());
            return io_error::none;
        }
        take_trailer(line);
    }
}

// Only S3's checksums mean something in the head; the rest is dropped, as RFC 9110 6.5.1 lets us.
void request_body::take_trailer(std::string_view line) {
    const std::size_t colon = line.find(':');
    const auto sum = signer::checksum_of_header(line.substr(0, colon));
    std::string_view value = line.substr(std::min(colon, line.size() - 1) + 1);
    const std::size_t first = value.find_first_not_of(" \t");
    const std::size_t last = value.find_last_not_of(" \t\r\n");
    value =
        first <= last && last != std::string_view::npos ? value.substr(first, last - first + 1) : std::string_view{};
    if (coding_ || !sum || value.size() != signer::text_length(*sum) || last_->count == most_trailers) {
        spdlog::info("{} {}: a trailer of the request was dropped", received_.request.method, received_.request.host);
        return;
    }
    std::array<char, 44>& kept = last_->values[last_->count];
    last_->trailers[last_->count++] = {signer::header_name(*sum), {kept.data(), value.copy(kept.data(), kept.size())}};
}

io_error request_body::take_content(std::string_view content, char*& out) {
    if (!coding_) {
        if (out != content.data()) {
            std::memmove(out, content.data(), content.size());
        }
        out += content.size();
        return io_error::none;
    }
    for (;;) {
        std::string_view piece;
        const auto step = coding_->next(content, piece);
        if (step == signer::chunk_decoder::step::broken) {
            return io_error::wrong_body;
        }
        if (step == signer::chunk_decoder::step::content) {
            std::memmove(out, piece.data(), piece.size());
            out += piece.size();
        } else if (step == signer::chunk_decoder::step::more || content.empty()) {
            return io_error::none;
        }
    }
}

// `rest` was read, but is the next request's.
io_error request_body::end(std::string_view rest) {
    if (coding_) {
        if (coding_->finish() != signer::chunk_decoder::step::complete) {
            return io_error::wrong_body;
        }
        if (!last_) {
            last_ = std::make_unique<behind_chunks>();
        }
        last_->count = std::min(coding_->trailer_count(), most_trailers);
        for (std::size_t i = 0; i < last_->count; ++i) {
            last_->trailers[i] = coding_->trailer_at(i);
        }
    }
    if (is_from_buffer_) {
        taken_ -= rest.size();
    } else if (!rest.empty()) {
        if (rest.size() > behind_.room_size()) {
            behind_.use_large_block();
        }
        std::memcpy(behind_.room().data(), rest.data(), rest.size());
        behind_.added(rest.size());
    }
    is_complete_ = true;
    return io_error::none;
}

refusal request_body::explain(io_error e) const {
    const conf::payload_settings& limits = worker_.config->payload;
    switch (e) {
    case io_error::too_large:
        return {
            413,
            "body-too-large",
            fmt::format(
                "The request body is larger than payload.spill_limit ({} bytes). Raise it, or send less.",
                std::max(limits.spill_limit, limits.memory_limit)
            )};
    case io_error::timed_out:
        return {408, "slow-request", "The request's body did not arrive in time."};
    case io_error::storage_full:
        return {
            507,
            "no-room-for-body",
            fmt::format(
                "There is no room for the request's body in payload.spill_directory ({}). Free some, or name another.",
                limits.spill_directory
            )};
    case io_error::storage_failed:
        return {
            500,
            "spill-failed",
            fmt::format(
                "The request's body cannot be kept in payload.spill_directory ({}). Name a directory that can be "
                "written.",
                limits.spill_directory
            )};
    case io_error::wrong_body:
        if (coding_ && !is_complete_) {
            return refuse_coding(coding_->error());
        }
        return {
            is_tenants_ ? 403u : 400u,
            is_tenants_ ? "client-refused" : "payload-hash-mismatch",
            "The body does not have the hash that X-Amz-Content-Sha256 names.",
            {},
            refusal_kind::of_status,
            "XAmzContentSHA256Mismatch"};
    default:
        return {400, "bad-framing", "The request's chunked body is malformed."};
    }
}

} // namespace countersign::proxy
