// Reads aws-chunked bodies (signer/aws_chunked.hpp) as clients send them: exact grammar, any split of the bytes, memory
// that does not grow. Checks signatures and a checksum where it is told to. Never copies content, never allocates
// (OpenSSL does for ECDSA), never goes on after an error. One thread at a time.
//
// CAREFUL: content is handed out before the signature of its chunk, and before the checksum, can be checked: what was
// done with it must be undone, or stay invisible, unless `complete` is reached.
#pragma once

#include "signer/aws_chunked.hpp"
#include "signer/chunk_signer.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace countersign::signer {

// What the head of the request says about the body.
struct chunk_rules {
    chunk_form form = chunk_form::unsigned_trailer;   // x-amz-content-sha256
    std::optional<std::uint64_t> decoded_length = {}; // x-amz-decoded-content-length; the content must be as long
    std::optional<checksum_kind> sum = {};            // of x-amz-trailer: must come, and must be that of the content
};

// Why a body is broken, and where: the offset of the first byte that is wrong, or of the size line, signature or
// trailer line that turned out to be.
struct chunk_error {
    std::uint64_t position = 0;
    std::string_view reason; // one line without anything of the client's
};

class chunk_decoder {
public:
    static constexpr std::size_t longest_trailers = 4096; // all lines together
    static constexpr std::size_t most_trailers = 16;      // the signature is not counted

    enum class step : std::uint8_t {
        more,     // `bytes` is used up, the body goes on
        content,  // `content` is a piece of what was uploaded, within `bytes`; call again for what follows
        complete, // the body ended as it should, and all that was to be checked is right
        broken,   // see error()
    };

    // Signatures are only looked at for their form.
    explicit chunk_decoder(const chunk_rules& rules);
    // Signatures are checked. REQUIRES: the verifier's algorithm is the form's.
    chunk_decoder(const chunk_rules& rules, const chunk_verifier& verifier);

    // Takes bytes off the front of `bytes`. May be called again after the end: any byte there is an error.
    step next(std::string_view& bytes, std::string_view& content) noexcept;

    // No more bytes come: complete or broken.
    step finish() noexcept;

    // REQUIRES: `broken` was returned.
    const chunk_error& error() const noexcept { return error_; }

    // Once complete: in the order of arrival, without the signature; names in lower case. Good as long as this is.
    std::size_t trailer_count() const noexcept { return field_count_; }
    trailer trailer_at(std::size_t i) const noexcept;

private:
    enum class state : std::uint8_t {
        size_first,
        size,
        extension, // ";chunk-signature="
        signature,
        size_cr,
        size_lf,
        chunk,
        chunk_cr,
        chunk_lf,
        trailer_start,
        trailer_name,
        trailer_value,
        trailer_lf,
        last_lf,
        complete,
        broken,
    };
    struct field {
        std::uint64_t position = 0; // in the body
        std::uint16_t start = 0;    // in text_
        std::uint16_t name = 0;     // lengths
        std::uint16_t value = 0;
    };

    state fail(std::string_view reason) noexcept { return fail_at(position_, reason); }
    state fail_at(std::uint64_t position, std::string_view reason) noexcept;
    state expect(char c, char wanted, state next, std::string_view reason) noexcept;
    state step_over(char c) noexcept;
    state within_size(char c) noexcept;
    state after_size(char c) noexcept;
    state within_extension(char c) noexcept;
    state within_signature(char c) noexcept;
    state begin_chunk() noexcept;
    bool is_signed_rightly() noexcept;
    state within_trailers(char c) noexcept;
    state begin_trailer(char c) noexcept;
    state within_trailer_name(char c) noexcept;
    state within_trailer_value(char c) noexcept;
    state end_trailer_name() noexcept;
    state end_trailer() noexcept;
    state end_trailers() noexcept;
    state check_sum() noexcept;
    digest hash_of_fields() const noexcept;
    trailer view_of(const field& line) const noexcept;
    std::string_view take_chunk(std::string_view& bytes) noexcept;

    chunk_rules rules_;
    std::optional<chunk_verifier> verifier_;
    std::optional<checksum> sum_;
    sha256 hash_; // of the chunk so far
    chunk_error error_;
    std::uint64_t position_ = 0; // in the body, of the byte that is looked at
    std::uint64_t line_at_ = 0;  // of this size line, or trailer line
    std::uint64_t signature_at_ = 0;
    std::uint64_t left_ = 0;  // of this chunk
    std::uint64_t read_ = 0;  // content of all chunks so far, this one whole
    std::size_t matched_ = 0; // digits of a size, characters of the extension or of a signature
    std::size_t trailer_bytes_ = 0;
    std::size_t text_size_ = 0;
    std::size_t field_count_ = 0;
    field line_;              // the trailer that is read
    field trailer_signature_; // no name: there was none yet
    std::array<char, most_ecdsa_hex> signature_;
    std::array<field, most_trailers> fields_;
    std::array<char, longest_trailers> text_; // names and values
    state state_ = state::size_first;
};

} // namespace countersign::signer
