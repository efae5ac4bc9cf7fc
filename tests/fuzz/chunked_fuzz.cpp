// A chunked body: the same content and the same end however the bytes arrive; where Boost.Beast reads it too,
// it reads the same.
#include "proxy/http/chunked.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

namespace http = boost::beast::http;
using countersign::proxy::chunked_decoder;
using step = chunked_decoder::step;

void require(bool holds) {
    if (!holds)
        std::abort();
}

struct decoded {
    step end = step::more;
    std::string content;
    std::size_t used = 0;
};

decoded decode(std::string_view text, std::size_t piece) {
    decoded out;
    chunked_decoder decoder;
    while (out.end == step::more && out.used != text.size()) {
        std::string_view part = text.substr(out.used, piece);
        const std::size_t given = part.size();
        std::string_view content;
        while ((out.end = decoder.next(part, content)) == step::content) {
            require(!content.empty() && content.data() >= text.data());
            out.content += content;
        }
        out.used += given - part.size();
        require(out.end != step::more || part.empty());
    }
    return out;
}

void compare_with_beast(std::string_view body, const decoded& ours) {
    http::response_parser<http::string_body> theirs;
    theirs.eager(true);
    const std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(body);
    boost::system::error_code e;
    for (std::size_t used = 0; used != text.size() && !e && !theirs.is_done();)
        used += theirs.put(boost::asio::buffer(text.data() + used, text.size() - used), e);
    if (!e)
        require(theirs.is_done() && theirs.get().body() == ours.content);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size == 0)
        return 0;
    const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
    const decoded whole = decode(text, std::string_view::npos);
    const decoded pieces = decode(text, 1u + bytes[0] % 16);
    require(whole.end == pieces.end && whole.content == pieces.content && whole.used == pieces.used);
    if (whole.end == step::complete) {
        require(text.substr(0, whole.used).ends_with("\r\n\r\n") || text.starts_with("0\r\n\r\n"));
        compare_with_beast(text.substr(0, whole.used), whole);
    }
    return 0;
}
