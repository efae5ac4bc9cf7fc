#include "signer/chunk_encoder.hpp"

#include "signer/encode.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace countersign::signer {
namespace {

constexpr std::uint64_t largest_chunk_size = (std::uint64_t{1} << 60) - 1; // 15 hex digits: what decoders take
constexpr std::string_view crlf = "\r\n";

char* allocate_text(std::pmr::memory_resource& memory, std::size_t size) {
    return static_cast<char*>(memory.allocate(size, 1));
}

std::string_view to_lower_case(std::string_view name, std::pmr::memory_resource& memory) {
    char* const start = allocate_text(memory, name.size());
    pen out(start);
    out.put_lower(name);
    return out.since(start);
}

// All trailers as they are signed.
std::span<const trailer> in_order(
    const std::optional<checksum_text>& sum,
    std::optional<checksum_kind> kind,
    std::span<const trailer> passed,
    std::pmr::memory_resource& memory
) {
    const std::size_t count = passed.size() + (sum ? 1 : 0);
    auto* const fields = static_cast<trailer*>(memory.allocate(std::max<std::size_t>(count, 1) * sizeof(trailer)));
    trailer* at = fields;
    for (const trailer& field : passed) {
        *at++ = {to_lower_case(field.name, memory), field.value};
    }
    if (sum) {
        *at++ = {header_name(*kind), sum->view()};
    }
    std::sort(fields, at, [](const trailer& a, const trailer& b) { return a.name < b.name; });
    return {fields, count};
}

} // namespace

chunk_encoder::chunk_encoder(
    chunk_form form, std::optional<chunk_signer> signer, std::optional<checksum_kind> sum, std::uint64_t chunk_size
)
    : signer_(std::move(signer)), chunk_size_(std::clamp(chunk_size, smallest_chunk_size, largest_chunk_size)),
      form_(form), head_{} {
    if (sum && has_trailer(form)) {
        sum_.emplace(*sum);
    }
}

chunk_encoder::chunk_encoder(
    chunk_form form, chunk_signer signer, std::optional<checksum_kind> sum, std::uint64_t chunk_size
)
    : chunk_encoder(form, std::optional(std::move(signer)), sum, chunk_size) {}

chunk_encoder::chunk_encoder(std::optional<checksum_kind> sum, std::uint64_t chunk_size)
    : chunk_encoder(chunk_form::unsigned_trailer, std::optional<chunk_signer>(), sum, chunk_size) {}

void chunk_encoder::add(std::string_view bytes) noexcept {
    filled_ += bytes.size();
    hash_together(bytes, signer_ ? &hash_ : nullptr, sum_ ? &*sum_ : nullptr);
}

chunk_encoder::frame chunk_encoder::close_chunk() {
    return {write_head(std::exchange(filled_, 0)), crlf};
}

std::string_view chunk_encoder::write_head(std::uint64_t size) {
    const auto number = std::to_chars(head_.data(), head_.data() + head_.size(), size, 16);
    pen out(number.ptr);
    if (signer_) {
        out.put(";chunk-signature=");
        out.put(signer_->sign_chunk(std::exchange(hash_, sha256()).finish()));
    }
    out.put(crlf);
    return out.since(head_.data());
}

std::string_view chunk_encoder::finish(std::span<const trailer> passed, std::pmr::memory_resource& memory) {
    const std::string_view last = write_head(0);
    std::optional<checksum_text> sum;
    std::optional<checksum_kind> kind;
    if (sum_) {
        sum = sum_->value();
        kind = sum_->kind();
    }
    std::span<const trailer> fields;
    if (has_trailer(form_)) {
        fields = in_order(sum, kind, passed, memory);
    }
    std::size_t room = last.size() + trailer_signature_name.size() + 1 + most_ecdsa_hex + 2 * crlf.size();
    for (const trailer& field : fields) {
        room += field.name.size() + 1 + field.value.size() + crlf.size();
    }
    char* const start = allocate_text(memory, room);
    pen out(start);
    out.put(last);
    const auto put_field = [&out](std::string_view name, std::string_view value) {
        out.put(name);
        out.put(':');
        out.put(value);
        out.put(crlf);
    };
    for (const trailer& field : fields) {
        put_field(field.name, field.value);
    }
    if (signer_ && has_trailer(form_)) {
        put_field(trailer_signature_name, signer_->sign_trailer(hash_of_trailers(fields)));
    }
    out.put(crlf);
    return out.since(start);
}

} // namespace countersign::signer
