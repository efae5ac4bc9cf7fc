// A hostile aws-chunked body: the same content, end and error however its bytes arrive; views stay within the input.
// Byte 0: form and what is checked; byte 1: size of the pieces.
#include "signer/chunk_decoder.hpp"
#include "tests/signer/support/chunked.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace countersign::signer;
using step = chunk_decoder::step;

void require(bool holds) {
    if (!holds)
        std::abort();
}

chunk_decoder decoder_of(unsigned choice) {
    static const signing_key key = chunked::key();
    static const ecdsa_key key_v4a = ecdsa_key::derive(chunked::id, chunked::secret);
    static const ecdsa_public_key public_key = key_v4a.public_key();
    const chunk_rules rules{
        .form = static_cast<chunk_form>(choice % 5),
        .decoded_length = choice / 5 % 2 != 0 ? std::optional<std::uint64_t>(5) : std::nullopt,
        .sum = choice / 10 % 2 != 0 ? std::optional(static_cast<checksum_kind>(choice / 20 % 5)) : std::nullopt};
    if (choice < 128 || signature_length(rules.form) == 0)
        return chunk_decoder(rules);
    if (signature_length(rules.form) == 64)
        return {rules, chunk_verifier(key, chunked::context)};
    return {rules, chunk_verifier(public_key, chunked::context)};
}

void check(const chunk_decoder& start, std::string_view wire, std::size_t piece) {
    std::vector<std::size_t> splits;
    for (std::size_t at = piece; at < wire.size(); at += piece)
        splits.push_back(at);
    const chunked::decoded whole = chunked::decode(start, wire);
    const chunked::decoded pieces = chunked::decode(start, wire, splits);
    require(whole == pieces);
    require(whole.end == step::complete || whole.end == step::broken);
    require(whole.content.size() <= wire.size() && whole.position <= wire.size());
    if (whole.end == step::broken) {
        require(!whole.reason.empty());
        return;
    }
    require(wire.ends_with("\r\n"));
    require(whole.trailers.size() <= chunk_decoder::most_trailers);
    // Any end but its own is an error.
    require(chunked::decode(start, wire.substr(0, wire.size() - 1)).end == step::broken);
    require(chunked::decode(start, std::string(wire) + "\r").position == wire.size());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size < 2)
        return 0;
    const std::string_view wire(reinterpret_cast<const char*>(bytes) + 2, size - 2);
    check(decoder_of(bytes[0]), wire, 1u + bytes[1] % 32);
    return 0;
}
