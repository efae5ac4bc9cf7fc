#include "proxy/http/answer_head.hpp"

#include "proxy/http/hop_by_hop.hpp"
#include "proxy/http/inbound.hpp"

namespace countersign::proxy {

namespace {

struct seen_framing {
    bool length = false;
    bool chunked = false;
    bool close = false;
    bool keep_alive = false;
};

bool read_field(const field& f, answer& a, seen_framing& seen) noexcept {
    switch (f.id) {
    case field_name::content_length: {
        const auto length = parse_content_length(f.value);
        if (!length || seen.length) {
            return false;
        }
        seen.length = true;
        a.length = *length;
        return true;
    }
    case field_name::transfer_encoding:
        if (seen.chunked || !equal_ignoring_case(f.value, "chunked")) {
            return false;
        }
        seen.chunked = true;
        return true;
    case field_name::connection:
        for_each_element(f.value, [&](std::string_view option) {
            const bool is_close = equal_ignoring_case(option, "close");
            const bool is_keep_alive = equal_ignoring_case(option, "keep-alive");
            seen.close = seen.close || is_close;
            seen.keep_alive = seen.keep_alive || is_keep_alive;
            a.names_hop_by_hop = a.names_hop_by_hop || !(is_close || is_keep_alive);
        });
        return true;
    case field_name::retry_after:
        a.retry_after = f.value;
        return true;
    case field_name::amz_bucket_region:
        a.amz_bucket_region = f.value;
        return true;
    case field_name::amz_retry_after:
        a.amz_retry_after = f.value;
        return true;
    case field_name::amzn_errortype:
        a.amzn_errortype = f.value;
        return true;
    case field_name::amzn_query_error:
        a.amzn_query_error = f.value;
        return true;
    case field_name::amz_owned: // of requests; Date is one of them
        if (equal_ignoring_case(f.name, "date")) {
            a.date = f.value;
        }
        return true;
    default:
        return true;
    }
}

bool has_no_body(unsigned status, bool is_head) noexcept {
    return is_head || status < 200 || status == 204 || status == 304;
}

// Hop-by-hop fields that we still forward, because the framing is forwarded unchanged.
bool goes_on(const field& f, const answer& a, client_framing framing) noexcept {
    if (f.id == field_name::transfer_encoding) {
        return framing != client_framing::dechunked && a.framing == answer_framing::chunked;
    }
    if (f.id == field_name::trailer) {
        return framing == client_framing::trailers;
    }
    return !f.stays_here;
}

std::string_view connection_line(bool http_1_0, bool keep_alive) noexcept {
    if (!keep_alive) {
        return "Connection: close\r\n";
    }
    return http_1_0 ? std::string_view{"Connection: keep-alive\r\n"} : std::string_view{};
}

} // namespace

io_error parse_answer_head(std::string_view head, bool is_head, field_array& room, answer& a) noexcept {
    a = answer{};
    a.head_size = head.size();
    if (parse_response(head, room, a.head) != head_error::none) {
        return io_error::malformed;
    }
    seen_framing seen;
    for (const field& f : a.head.fields) {
        if (!read_field(f, a, seen)) {
            return io_error::malformed;
        }
    }
    if ((seen.length && seen.chunked) || (seen.chunked && a.head.minor_version == 0)) {
        return io_error::malformed;
    }
    if (has_no_body(a.head.status, is_head)) {
        a.framing = answer_framing::none;
    } else if (seen.chunked) {
        a.framing = answer_framing::chunked;
    } else {
        a.framing = seen.length ? answer_framing::length : answer_framing::until_close;
    }
    a.keep_alive =
        !seen.close && a.framing != answer_framing::until_close && (a.head.minor_version == 1 || seen.keep_alive);
    mark_hop_by_hop(a.head.fields);
    return io_error::none;
}

client_framing framing_for(const answer& a, bool http_1_0, bool takes_trailers) noexcept {
    if (a.framing == answer_framing::chunked && http_1_0) {
        return client_framing::dechunked;
    }
    if (a.framing == answer_framing::chunked && takes_trailers && !a.names_hop_by_hop) {
        return client_framing::trailers;
    }
    if (a.framing == answer_framing::until_close && !http_1_0) {
        return client_framing::chunked;
    }
    return client_framing::same;
}

std::string_view write_answer_head(
    const answer& a, client_framing framing, bool http_1_0, bool keep_alive, std::pmr::memory_resource& memory
) {
    std::size_t size = a.head.reason.size() + 128;
    for (const field& f : a.head.fields) {
        size += f.name.size() + f.value.size() + 4;
    }
    char* const begin = static_cast<char*>(memory.allocate(size, 1));
    char* at = begin;
    const auto add = [&at](std::string_view text) { at += text.copy(at, text.size()); };
    const char status[] = {
        static_cast<char>('0' + a.head.status / 100),
        static_cast<char>('0' + a.head.status / 10 % 10),
        static_cast<char>('0' + a.head.status % 10),
        ' '};
    add("HTTP/1.1 ");
    add({status, sizeof status});
    add(a.head.reason);
    add("\r\n");
    for (const field& f : a.head.fields) {
        if (goes_on(f, a, framing)) {
            add(f.name);
            add(": ");
            add(f.value);
            add("\r\n");
        }
    }
    if (framing == client_framing::chunked) {
        add("Transfer-Encoding: chunked\r\n");
    }
    add(connection_line(http_1_0, keep_alive));
    add("\r\n");
    return {begin, static_cast<std::size_t>(at - begin)};
}

} // namespace countersign::proxy
