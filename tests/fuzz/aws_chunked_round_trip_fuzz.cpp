// decode(encode(x)) = x in every form, with every checksum, verified, for any split; and the length that was foretold.
// Bytes 0 to 5: form, checksum, pieces in, pieces out, repetitions of the content, which byte is changed.
#include "signer/chunk_decoder.hpp"
#include "signer/chunk_encoder.hpp"
#include "tests/signer/support/chunked.hpp"

#include <array>
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

struct codec {
    chunk_encoder encoder;
    chunk_decoder decoder;
};

codec codec_of(chunk_form form, std::optional<checksum_kind> sum, std::uint64_t length) {
    static const signing_key key = chunked::key();
    static const ecdsa_key key_v4a = ecdsa_key::derive(chunked::id, chunked::secret);
    static const ecdsa_public_key public_key = key_v4a.public_key();
    const auto announced = has_trailer(form) ? sum : std::nullopt;
    const chunk_rules rules{.form = form, .decoded_length = length, .sum = announced};
    constexpr std::uint64_t chunk_size = smallest_chunk_size;
    if (signature_length(form) == 0)
        return {chunk_encoder(sum, chunk_size), chunk_decoder(rules)};
    if (signature_length(form) == 64)
        return {
            chunk_encoder(form, chunk_signer(key, chunked::context), sum, chunk_size),
            chunk_decoder(rules, chunk_verifier(key, chunked::context))};
    return {
        chunk_encoder(form, chunk_signer(key_v4a, chunked::context), sum, chunk_size),
        chunk_decoder(rules, chunk_verifier(public_key, chunked::context))};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size < 6)
        return 0;
    const auto form = static_cast<chunk_form>(bytes[0] % 5);
    const auto sum = bytes[1] % 6 == 5 ? std::nullopt : std::optional(static_cast<checksum_kind>(bytes[1] % 6));
    const std::string_view unit(reinterpret_cast<const char*>(bytes) + 6, size - 6);
    std::string text;
    for (unsigned i = 0; i <= bytes[4] && text.size() < 30000; ++i)
        text += unit;

    const codec both = codec_of(form, sum, text.size());
    const std::array<trailer, 1> passed{{{"x-amz-meta-passed", "on"}}};
    const std::string wire = chunked::encode(both.encoder, text, passed, 1u + 37u * bytes[2]);

    std::vector<trailer_shape> shapes{shape_of(passed[0])};
    if (sum)
        shapes.push_back(shape_of(*sum));
    require(encoded_length(text.size(), both.encoder.chunk_size(), form, shapes) == wire.size());

    std::vector<std::size_t> splits;
    for (std::size_t at = 1u + bytes[3] * 41u; at < wire.size(); at += 1u + bytes[3] * 41u)
        splits.push_back(at);
    const chunked::decoded got = chunked::decode(both.decoder, wire, splits);
    require(got.end == step::complete && got.content == text);
    require(got.trailers.size() == (has_trailer(form) ? (sum ? 2u : 1u) : 0u));

    if (signature_length(form) != 0) {
        std::string changed = wire;
        changed[bytes[5] * wire.size() / 256] ^= 1;
        require(chunked::decode(both.decoder, changed, splits).end == step::broken);
    }
    return 0;
}
