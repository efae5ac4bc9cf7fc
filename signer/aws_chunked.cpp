#include "signer/aws_chunked.hpp"

#include <array>

namespace countersign::signer {
namespace {

// In the order of chunk_form.
constexpr std::array<std::string_view, 5> form_names{
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
};

constexpr std::size_t line_end = 2;

std::uint64_t hex_length(std::uint64_t value) noexcept {
    std::uint64_t digits = 1;
    while ((value >>= 4) != 0) {
        ++digits;
    }
    return digits;
}

// Length and line end of a chunk's first line.
std::uint64_t head_length(std::uint64_t size, chunk_form form) noexcept {
    constexpr std::string_view extension = ";chunk-signature=";
    const std::size_t signature = signature_length(form);
    return hex_length(size) + (signature != 0 ? extension.size() + signature : 0) + line_end;
}

std::uint64_t trailers_length(chunk_form form, std::span<const trailer_shape> trailers) noexcept {
    std::uint64_t length = 0;
    if (has_trailer(form)) {
        for (const trailer_shape& field : trailers) {
            length += field.name + 1 + field.value + line_end;
        }
        if (const std::size_t signature = signature_length(form)) {
            length += trailer_signature_name.size() + 1 + signature + line_end;
        }
    }
    return length + line_end;
}

} // namespace

std::string_view payload_hash_of(chunk_form form) noexcept {
    return form_names[static_cast<std::size_t>(form)];
}

std::optional<chunk_form> chunk_form_of(std::string_view payload_hash) noexcept {
    for (std::size_t i = 0; i < form_names.size(); ++i) {
        if (payload_hash == form_names[i]) {
            return static_cast<chunk_form>(i);
        }
    }
    return std::nullopt;
}

std::size_t signature_length(chunk_form form) noexcept {
    switch (form) {
    case chunk_form::signed_v4:
    case chunk_form::signed_v4_trailer:
        return 64;
    case chunk_form::signed_v4a:
    case chunk_form::signed_v4a_trailer:
        return 144;
    case chunk_form::unsigned_trailer:
        break;
    }
    return 0;
}

void hash_together(std::string_view bytes, sha256* hash, checksum* sum) noexcept {
    constexpr std::size_t piece_size = 16 * 1024;
    while (!bytes.empty() && (hash != nullptr || sum != nullptr)) {
        const std::string_view piece = bytes.substr(0, piece_size);
        bytes.remove_prefix(piece.size());
        if (hash != nullptr) {
            hash->update(piece);
        }
        if (sum != nullptr) {
            sum->update(piece);
        }
    }
}

std::optional<std::uint64_t> encoded_length(
    std::uint64_t decoded, std::uint64_t chunk_size, chunk_form form, std::span<const trailer_shape> trailers
) noexcept {
    const std::uint64_t whole = decoded / chunk_size;
    const std::uint64_t rest = decoded % chunk_size;
    std::uint64_t length = head_length(0, form) + trailers_length(form, trailers);
    if (rest != 0) {
        length += head_length(rest, form) + line_end;
    }
    std::uint64_t frames = 0;
    if (__builtin_mul_overflow(whole, head_length(chunk_size, form) + line_end, &frames) ||
        __builtin_add_overflow(length, frames, &length) || __builtin_add_overflow(length, decoded, &length)) {
        return std::nullopt;
    }
    return length;
}

} // namespace countersign::signer
