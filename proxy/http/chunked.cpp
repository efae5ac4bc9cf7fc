#include "proxy/http/chunked.hpp"

#include "proxy/http/head.hpp"

#include <algorithm>

namespace countersign::proxy {

namespace {

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool is_text(char c) noexcept {
    const auto u = static_cast<unsigned char>(c);
    return c == '\t' || (u >= 0x20 && u != 0x7f);
}

} // namespace

chunked_decoder::state chunked_decoder::after_size(char c) noexcept {
    if (c == '\r') {
        return state::size_lf;
    }
    return c == ';' ? state::extension : state::broken;
}

chunked_decoder::state chunked_decoder::within_trailer(char c) noexcept {
    if (++trailers_ > longest_trailers) {
        return state::broken;
    }
    switch (state_) {
    case state::trailer_start:
        if (c == '\r') {
            return state::last_lf;
        }
        return is_token({&c, 1}) ? state::trailer_name : state::broken;
    case state::trailer_name:
        if (c == ':') {
            return state::trailer_value;
        }
        return is_token({&c, 1}) ? state::trailer_name : state::broken;
    default:
        if (c == '\r') {
            return state::trailer_lf;
        }
        return is_text(c) ? state::trailer_value : state::broken;
    }
}

// One byte of framing.
chunked_decoder::state chunked_decoder::step_over(char c) noexcept {
    switch (state_) {
    case state::size_first:
    case state::size: {
        const int digit = hex_digit(c);
        if (digit < 0) {
            return state_ == state::size ? after_size(c) : state::broken;
        }
        left_ = left_ * 16 + static_cast<unsigned>(digit);
        return ++digits_ <= 15 ? state::size : state::broken; // 60 bits: cannot overflow
    }
    case state::extension:
        if (++overhead_ > longest_extensions) {
            return state::broken;
        }
        if (c == '\r') {
            return state::size_lf;
        }
        return is_text(c) ? state::extension : state::broken;
    case state::size_lf:
        if (c != '\n') {
            return state::broken;
        }
        return left_ == 0 ? state::trailer_start : state::chunk;
    case state::chunk_cr:
        return c == '\r' ? state::chunk_lf : state::broken;
    case state::chunk_lf:
        digits_ = 0;
        return c == '\n' ? state::size_first : state::broken;
    case state::trailer_lf:
        return c == '\n' ? state::trailer_start : state::broken;
    case state::last_lf:
        return c == '\n' ? state::complete : state::broken;
    default:
        return within_trailer(c);
    }
}

chunked_decoder::step chunked_decoder::next(std::string_view& bytes, std::string_view& content) noexcept {
    return advance(bytes, content, false);
}

chunked_decoder::step
chunked_decoder::next_before_trailers(std::string_view& bytes, std::string_view& content) noexcept {
    return advance(bytes, content, true);
}

chunked_decoder::step chunked_decoder::take_trailer(std::string_view& bytes, std::string_view& line) noexcept {
    const std::size_t end = bytes.find('\n');
    line = bytes.substr(0, end == std::string_view::npos ? 0 : end + 1);
    bytes.remove_prefix(line.size());
    for (std::size_t i = 0; i < line.size() && state_ != state::broken; ++i) {
        state_ = step_over(line[i]);
    }
    if (state_ == state::broken || (line.empty() && bytes.size() > longest_trailers)) {
        return step::broken;
    }
    if (line.empty()) {
        return step::more;
    }
    return state_ == state::complete ? step::complete : step::trailer;
}

chunked_decoder::step
chunked_decoder::advance(std::string_view& bytes, std::string_view& content, bool to_trailers) noexcept {
    while (state_ != state::complete && state_ != state::broken) {
        if (to_trailers && state_ == state::trailer_start) {
            return step::trailer;
        }
        if (bytes.empty()) {
            return step::more;
        }
        if (state_ == state::chunk) {
            content = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
            bytes.remove_prefix(content.size());
            left_ -= content.size();
            if (left_ == 0) {
                state_ = state::chunk_cr;
            }
            return step::content;
        }
        state_ = step_over(bytes.front());
        bytes.remove_prefix(1);
    }
    return state_ == state::complete ? step::complete : step::broken;
}

} // namespace countersign::proxy
