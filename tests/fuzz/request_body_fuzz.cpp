// A request's body through the proxy's own reader: framing, aws-chunked coding, trailers. Whatever the bytes, they mean
// the same however they are cut, never more than they are, and what is behind them stays. The first bytes of the input
// choose framing, coding and cuts.
#include "tests/proxy/support/fed_client.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

namespace {

using namespace countersign;
using namespace countersign::proxy;

void require(bool holds) {
    if (!holds)
        std::abort();
}

worker_state& worker() {
    static shared_state shared;
    static const bool is_made = [] {
        shared.config = std::make_shared<conf::config>();
        shared.trusted = make_trust_store("");
        return true;
    }();
    require(is_made);
    static worker_state w{shared};
    return w;
}

struct choices {
    bool is_chunked, is_coded;
    signer::chunk_form form;
    std::uint64_t length;
    std::optional<std::uint64_t> decoded;
};

tests::body_read read(std::string_view bytes, const choices& how, std::size_t piece, std::size_t room) {
    worker_state& w = worker();
    std::vector<std::string_view> pieces{bytes.substr(0, piece)};
    for (std::size_t at = piece; at < bytes.size(); at += piece) {
        pieces.push_back(bytes.substr(at, piece));
    }
    tests::fed_client c{w.blocks, std::move(pieces)};
    received r;
    r.request.framing = how.is_chunked ? body_framing::chunked : body_framing::length;
    r.request.content_length = how.length;
    request_body body{c, r, w};
    body.begin(false);
    if (how.is_coded) {
        body.decode({how.form, how.decoded, std::nullopt}, nullptr);
    }
    tests::body_read out;
    tests::read_all(body, c, room, out);
    if (out.error != io_error::none) {
        require(!out.is_complete);
        static_cast<void>(body.explain(out.error));
    }
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
    if (size < 3) {
        return 0;
    }
    const std::string_view bytes{reinterpret_cast<const char*>(input) + 3, size - 3};
    choices how{};
    how.is_chunked = input[0] & 1;
    how.is_coded = input[0] & 2;
    how.form = input[0] & 4 ? signer::chunk_form::signed_v4_trailer : signer::chunk_form::unsigned_trailer;
    how.length = bytes.size() - std::min<std::size_t>(bytes.size(), input[0] >> 4);
    if (input[0] & 8) {
        how.decoded = input[2];
    }
    const std::string_view given = how.is_chunked ? bytes : bytes.substr(0, how.length);
    const tests::body_read whole = read(given, how, given.size() + 1, 1 << 16);
    const tests::body_read cut = read(given, how, 1 + input[1] % 37, 1 + input[2] % 61);
    require(whole.error == cut.error && whole.is_complete == cut.is_complete);
    require(whole.content.size() <= given.size());
    if (whole.is_complete) {
        require(whole.content == cut.content && whole.trailers == cut.trailers);
        require(given.ends_with(whole.behind) && given.ends_with(cut.behind));
    }
    return 0;
}
