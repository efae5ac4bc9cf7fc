// The checksums of S3's x-amz-checksum-* headers and trailers, computed while bytes stream by. Says nothing about who
// made the bytes. Never allocates. Pure; any thread; values are copied freely. Standard: "Checking object integrity" in
// the S3 User Guide: the value is base64 (RFC 4648 section 4) of the big-endian sum.
#pragma once

#include "signer/crc.hpp"
#include "signer/sha1.hpp"
#include "signer/sha256.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

namespace countersign::signer {

enum class checksum_kind : std::uint8_t { crc32, crc32c, crc64nvme, sha1, sha256 };

// checksum_kind::crc32 → x-amz-checksum-crc32
std::string_view header_name(checksum_kind kind) noexcept;

// The other way round, in any case; nullopt for other names.
std::optional<checksum_kind> checksum_of_header(std::string_view name) noexcept;

// Of the value, in characters: 8, 12, 28 or 44.
std::size_t text_length(checksum_kind kind) noexcept;

// A value in base64.
class checksum_text {
public:
    // REQUIRES: sum.size() ≤ 32.
    explicit checksum_text(std::span<const unsigned char> sum) noexcept;
    std::string_view view() const noexcept { return {text_.data(), size_}; }

private:
    std::array<char, 44> text_{};
    std::size_t size_ = 0;
};

class checksum {
public:
    explicit checksum(checksum_kind kind) noexcept;

    checksum_kind kind() const noexcept { return kind_; }
    void update(std::string_view bytes) noexcept;

    // Of the bytes so far; more may follow.
    checksum_text value() const noexcept;

private:
    checksum_kind kind_;
    std::variant<std::uint64_t, sha1, sha256> state_; // the number: a CRC of either width
};

} // namespace countersign::signer
