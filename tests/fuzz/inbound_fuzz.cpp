// What a request is taken for: whatever is accepted has one host, one framing, no field that ends here among
// those that go on, and means the same when it is written anew.
#include "proxy/http/inbound.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace countersign::proxy;

void require(bool holds) {
    if (!holds)
        std::abort();
}

struct reading {
    std::string text;
    field_array room;
    request_head head;
    inbound in;
    bool accepted = false;
};

void read(std::string text, reading& out) {
    out.text = std::move(text);
    head_scanner scanner;
    out.accepted = scanner.scan(out.text) == head_scanner::state::complete;
    const std::string_view head = std::string_view(out.text).substr(0, scanner.length());
    out.accepted = out.accepted && parse_request(head, out.room, out.head) == head_error::none &&
                   !read_inbound(out.head, {"us", {}}, out.in);
}

bool ends_here(field_name id) {
    switch (id) {
    case field_name::connection:
    case field_name::content_length:
    case field_name::expect:
    case field_name::host:
    case field_name::http2_settings:
    case field_name::keep_alive:
    case field_name::proxy_authorization:
    case field_name::proxy_other:
    case field_name::te:
    case field_name::trailer:
    case field_name::transfer_encoding:
    case field_name::upgrade:
        return true;
    default:
        return false;
    }
}

std::string write_anew(const inbound& in) {
    std::string text(in.method);
    text.append(" ").append(in.path).append(in.query.empty() ? "" : "?").append(in.query);
    text.append(" HTTP/1.1\r\nHost: ").append(in.authority).append("\r\n");
    for (const field& f : in.fields)
        if (!f.stays_here)
            text.append(f.name).append(": ").append(f.value).append("\r\n");
    return text.append("\r\n");
}

void check(const inbound& in) {
    require(!in.host.empty() && in.host.size() <= inbound::longest_host);
    const bool ipv6 = in.authority.starts_with('[');
    require(
        in.host.find_first_not_of(ipv6 ? "0123456789abcdef:." : "abcdefghijklmnopqrstuvwxyz0123456789-._") ==
        in.host.npos
    );
    require(in.path.starts_with('/') && in.path.find_first_of("?# \r\n") == in.path.npos);
    require(in.query.find_first_of("# \r\n") == in.query.npos);
    require(in.framing == body_framing::length || in.content_length == 0);
    require(!(in.framing == body_framing::chunked && in.http_1_0));
    require(in.method != "TRACE" && in.method != "CONNECT");
    for (const field& f : in.fields) {
        require(f.stays_here || !ends_here(f.id));
        require(is_token(f.name) && f.value.find_first_of(std::string_view("\0\r\n", 3)) == f.value.npos);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    static reading first, second;
    first.in = second.in = inbound{};
    read(std::string(reinterpret_cast<const char*>(bytes), size), first);
    if (!first.accepted)
        return 0;
    check(first.in);
    std::string anew = write_anew(first.in);
    read(std::move(anew), second);
    if (second.text.size() > head_limits::head)
        return 0;
    require(second.accepted);
    check(second.in);
    require(second.in.host == first.in.host && second.in.port == first.in.port);
    require(
        second.in.method == first.in.method && second.in.path == first.in.path && second.in.query == first.in.query
    );
    require(second.in.framing == body_framing::none && second.in.keep_alive && second.in.claim == first.in.claim);
    require(write_anew(second.in) == second.text); // nothing is left to take off
    return 0;
}
