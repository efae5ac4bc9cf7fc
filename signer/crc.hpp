// The cyclic redundancy checks of S3's checksums and of event streams. No protection against intent: whoever changes
// bytes can change these too. Never allocates. Pure; any thread. Parameters: "CRC-32/ISO-HDLC" (zlib, IEEE 802.3),
// "CRC-32/ISCSI" (Castagnoli) and "CRC-64/NVME" of the CRC catalogue; all of them reflected.
#pragma once

#include <cstdint>
#include <string_view>

namespace countersign::signer {

// `before` is the value of the bytes that came before: crc32(b, crc32(a)) is that of a and b together. Carry-less
// multiplication is used where the processor has it.
std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0) noexcept;
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0) noexcept;
std::uint64_t crc64nvme(std::string_view bytes, std::uint64_t before = 0) noexcept;

// The same by tables alone (eight bytes a step): what other processors run, and what tests compare with.
namespace portable {
std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0) noexcept;
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0) noexcept;
std::uint64_t crc64nvme(std::string_view bytes, std::uint64_t before = 0) noexcept;
} // namespace portable

} // namespace countersign::signer
