#include "signer/checksum.hpp"

#include "signer/encode.hpp"

namespace countersign::signer {
namespace {

struct row {
    std::string_view name;
    std::size_t size; // of the sum, in bytes
};

// In the order of checksum_kind.
constexpr std::array<row, 5> rows{{
    {"x-amz-checksum-crc32", 4},
    {"x-amz-checksum-crc32c", 4},
    {"x-amz-checksum-crc64nvme", 8},
    {"x-amz-checksum-sha1", 20},
    {"x-amz-checksum-sha256", 32},
}};

constexpr const row& row_of(checksum_kind kind) noexcept {
    return rows[static_cast<std::size_t>(kind)];
}

checksum_text text_of(std::uint64_t sum, std::size_t size) noexcept {
    std::array<unsigned char, 8> bytes;
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<unsigned char>(sum >> (8 * (size - 1 - i)));
    }
    return checksum_text(std::span(bytes).first(size));
}

std::uint64_t next_sum(checksum_kind kind, std::string_view bytes, std::uint64_t before) noexcept {
    switch (kind) {
    case checksum_kind::crc32:
        return crc32(bytes, static_cast<std::uint32_t>(before));
    case checksum_kind::crc32c:
        return crc32c(bytes, static_cast<std::uint32_t>(before));
    default:
        return crc64nvme(bytes, before);
    }
}

} // namespace

std::string_view header_name(checksum_kind kind) noexcept {
    return row_of(kind).name;
}

std::optional<checksum_kind> checksum_of_header(std::string_view name) noexcept {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (equals_ignoring_case(name, rows[i].name)) {
            return static_cast<checksum_kind>(i);
        }
    }
    return std::nullopt;
}

std::size_t text_length(checksum_kind kind) noexcept {
    return (row_of(kind).size + 2) / 3 * 4;
}

checksum_text::checksum_text(std::span<const unsigned char> sum) noexcept {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < sum.size(); i += 3) {
        const std::size_t given = sum.size() - i;
        const auto at = [&](std::size_t k) { return k < given ? static_cast<std::uint32_t>(sum[i + k]) : 0u; };
        const std::uint32_t three = at(0) << 16 | at(1) << 8 | at(2);
        text_[size_++] = alphabet[three >> 18];
        text_[size_++] = alphabet[three >> 12 & 63];
        text_[size_++] = given > 1 ? alphabet[three >> 6 & 63] : '=';
        text_[size_++] = given > 2 ? alphabet[three & 63] : '=';
    }
}

checksum::checksum(checksum_kind kind) noexcept : kind_(kind) {
    if (kind == checksum_kind::sha1) {
        state_.emplace<sha1>();
    } else if (kind == checksum_kind::sha256) {
        state_.emplace<sha256>();
    }
}

void checksum::update(std::string_view bytes) noexcept {
    if (auto* const sum = std::get_if<std::uint64_t>(&state_)) {
        *sum = next_sum(kind_, bytes, *sum);
    } else if (auto* const first = std::get_if<sha1>(&state_)) {
        first->update(bytes);
    } else if (auto* const second = std::get_if<sha256>(&state_)) {
        second->update(bytes);
    }
}

checksum_text checksum::value() const noexcept {
    if (const auto* const first = std::get_if<sha1>(&state_)) {
        return checksum_text(sha1(*first).finish());
    }
    if (const auto* const second = std::get_if<sha256>(&state_)) {
        return checksum_text(sha256(*second).finish());
    }
    const auto* const sum = std::get_if<std::uint64_t>(&state_);
    return text_of(sum != nullptr ? *sum : 0, row_of(kind_).size);
}

} // namespace countersign::signer
