// For tests, fuzz targets and benchmarks of aws-chunked bodies: whole bodies at once, and the keys of the S3 manual's
// examples. Allocates freely; not for running code.
#pragma once

#include "signer/chunk_decoder.hpp"
#include "signer/chunk_encoder.hpp"

#include <algorithm>
#include <memory_resource>
#include <string>
#include <utility>
#include <vector>

namespace countersign::signer::chunked {

// "Signature calculations for the authorization header: transferring payload in multiple chunks", S3 API Reference.
inline constexpr std::string_view id = "AKIAIOSFODNN7EXAMPLE";
inline constexpr std::string_view secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
inline constexpr chunk_context context{
    "20130524T000000Z",
    "20130524/us-east-1/s3/aws4_request",
    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"};
inline constexpr chunk_context context_with_trailer{
    context.date, context.scope, "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"};

inline signing_key key() {
    return signing_key::derive(secret, "20130524", "us-east-1", "s3");
}

// The body on the wire; `piece`: bytes handed to add() at a time.
inline std::string
encode(chunk_encoder encoder, std::string_view text, std::span<const trailer> passed = {}, std::size_t piece = 5000) {
    std::string wire;
    while (!text.empty()) {
        const std::string_view chunk = text.substr(0, static_cast<std::size_t>(encoder.room()));
        text.remove_prefix(chunk.size());
        for (std::size_t at = 0; at < chunk.size(); at += piece) {
            encoder.add(chunk.substr(at, piece));
        }
        const chunk_encoder::frame around = encoder.close_chunk();
        wire.append(around.head).append(chunk).append(around.tail);
    }
    std::pmr::monotonic_buffer_resource memory;
    return wire.append(encoder.finish(passed, memory));
}

struct decoded {
    chunk_decoder::step end = chunk_decoder::step::more;
    std::string content;
    std::vector<std::pair<std::string, std::string>> trailers;
    std::uint64_t position = 0;
    std::string reason;

    bool operator==(const decoded&) const = default;
};

// Feeds what lies before and what lies behind each of `splits` separately (ascending).
inline decoded decode(chunk_decoder decoder, std::string_view wire, std::span<const std::size_t> splits = {}) {
    decoded out;
    std::size_t at = 0;
    for (std::size_t i = 0; i <= splits.size() && out.end != chunk_decoder::step::broken; ++i) {
        const std::size_t until = i < splits.size() ? std::min(splits[i], wire.size()) : wire.size();
        std::string_view part = wire.substr(at, until - at);
        std::string_view content;
        while ((out.end = decoder.next(part, content)) == chunk_decoder::step::content) {
            out.content += content;
        }
        at = until;
    }
    if (out.end != chunk_decoder::step::broken) {
        out.end = decoder.finish();
    }
    if (out.end == chunk_decoder::step::broken) {
        out.position = decoder.error().position;
        out.reason = decoder.error().reason;
        return out;
    }
    for (std::size_t i = 0; i < decoder.trailer_count(); ++i) {
        out.trailers.emplace_back(decoder.trailer_at(i).name, decoder.trailer_at(i).value);
    }
    return out;
}

} // namespace countersign::signer::chunked
