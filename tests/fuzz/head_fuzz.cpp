// A request's head: the scanner finds the same end however the bytes arrive, and whatever is accepted,
// Boost.Beast's parser accepts and reads in the same way.
#include "proxy/http/inbound.hpp"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace http = boost::beast::http;
using namespace countersign::proxy;
using pairs = std::vector<std::pair<std::string, std::string>>;

void require(bool holds) {
    if (!holds)
        std::abort();
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return out;
}

// Beast keeps fields of one name together: the order that counts is the one among these.
pairs sorted(pairs fields) {
    std::stable_sort(fields.begin(), fields.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    return fields;
}

head_scanner::state scan_in_pieces(std::string_view text, std::size_t piece, std::size_t& length) {
    head_scanner scanner;
    auto state = head_scanner::state::more;
    for (std::size_t n = 0; state == head_scanner::state::more && n != text.size();) {
        n = std::min(n + piece, text.size());
        state = scanner.scan(text.substr(0, n));
    }
    length = scanner.length();
    return state;
}

void compare_with_beast(std::string_view text, const request_head& ours) {
    http::request_parser<http::empty_body> theirs;
    theirs.header_limit(1 << 20);
    boost::system::error_code e;
    theirs.put(boost::asio::buffer(text), e);
    // Beast insists on a grammar inside Connection; we only look for options that we know.
    if (e == http::error::bad_value || e == http::error::body_limit)
        return;
    require((!e || e == http::error::need_more) && theirs.is_header_done());
    const auto& read = theirs.get();
    require(read.method_string() == ours.method && read.target() == ours.target);
    require(read.version() == 10 + ours.minor_version);
    pairs their_fields, our_fields;
    for (const auto& f : read)
        their_fields.emplace_back(lower(f.name_string()), f.value());
    for (const field& f : ours.fields)
        our_fields.emplace_back(lower(f.name), f.value);
    require(sorted(std::move(their_fields)) == sorted(std::move(our_fields)));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size == 0)
        return 0;
    const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
    head_scanner scanner;
    const auto state = scanner.scan(text);
    std::size_t length = 0;
    require(scan_in_pieces(text, 1u + bytes[0] % 32, length) == state);
    if (state != head_scanner::state::complete)
        return 0;
    require(length == scanner.length());
    require(text.substr(0, length).ends_with("\r\n\r\n") || text.starts_with("\r\n")); // a head of no line
    static field_array room;
    request_head head;
    if (parse_request(text.substr(0, length), room, head) != head_error::none)
        return 0;
    inbound in;
    if (!read_inbound(head, {"us", {}}, in))
        compare_with_beast(text.substr(0, length), head);
    return 0;
}
