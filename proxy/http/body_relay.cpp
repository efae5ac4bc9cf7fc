#include "proxy/http/body_relay.hpp"

#include "proxy/http/hop_by_hop.hpp"

#include <algorithm>
#include <charconv>

namespace countersign::proxy {

body_relay::piece body_relay::next(std::string_view bytes) noexcept {
    switch (from_) {
    case answer_framing::none:
        return {{}, {}, {}, 0, state::complete};
    case answer_framing::length: {
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
        left_ -= n;
        return {{}, bytes.substr(0, n), {}, n, left_ == 0 ? state::complete : state::more};
    }
    case answer_framing::chunked:
        return to_ == client_framing::dechunked ? next_dechunked(bytes) : next_chunked(bytes);
    case answer_framing::until_close:
        return next_until_close(bytes);
    }
    return {};
}

// A line behind the last chunk, with its CRLF.
bool body_relay::goes_on(std::string_view line) const noexcept {
    return line == "\r\n" || (to_ == client_framing::trailers && may_be_trailer(line.substr(0, line.find(':'))));
}

// Checked and passed on as it is, framing and extensions included; of the trailers what the client takes.
body_relay::piece body_relay::next_chunked(std::string_view bytes) noexcept {
    std::string_view rest = bytes;
    std::string_view content;
    auto step = chunked_decoder::step::content;
    while (step == chunked_decoder::step::content) {
        step = decoder_.next_before_trailers(rest, content);
    }
    std::size_t passed = bytes.size() - rest.size();
    while (step == chunked_decoder::step::trailer) {
        std::string_view line;
        step = decoder_.take_trailer(rest, line);
        if (!line.empty() && !goes_on(line)) {
            break; // the next piece begins behind it
        }
        passed += line.size();
    }
    if (step == chunked_decoder::step::broken) {
        return {{}, {}, {}, 0, state::broken};
    }
    const std::size_t n = bytes.size() - rest.size();
    const state then = step == chunked_decoder::step::complete ? state::complete : state::more;
    return {{}, bytes.substr(0, passed), {}, n, then};
}

body_relay::piece body_relay::next_dechunked(std::string_view bytes) noexcept {
    std::string_view rest = bytes;
    std::string_view content;
    const auto step = decoder_.next(rest, content);
    if (step == chunked_decoder::step::broken) {
        return {{}, {}, {}, 0, state::broken};
    }
    const state then = step == chunked_decoder::step::complete ? state::complete : state::more;
    return {{}, content, {}, bytes.size() - rest.size(), then};
}

body_relay::piece body_relay::next_until_close(std::string_view bytes) noexcept {
    if (to_ == client_framing::same || bytes.empty()) {
        return {{}, bytes, {}, bytes.size(), state::more};
    }
    char* const end = std::to_chars(size_line_, size_line_ + 16, bytes.size(), 16).ptr;
    end[0] = '\r';
    end[1] = '\n';
    const std::string_view size{size_line_, static_cast<std::size_t>(end + 2 - size_line_)};
    return {size, bytes, "\r\n", bytes.size(), state::more};
}

body_relay::piece body_relay::end() noexcept {
    if (from_ != answer_framing::until_close) {
        return {{}, {}, {}, 0, state::broken};
    }
    return {{}, {}, to_ == client_framing::chunked ? "0\r\n\r\n" : "", 0, state::complete};
}

} // namespace countersign::proxy
