#include "signer/chunk_decoder.hpp"

#include "signer/encode.hpp"

#include <algorithm>
#include <utility>

namespace countersign::signer {
namespace {

constexpr std::string_view extension_text = ";chunk-signature=";
constexpr std::size_t most_digits = 15; // 60 bits: sums of sizes cannot overflow

constexpr byte_set token_bytes = make_byte_set("!#$%&'*+-.^_`|~"); // RFC 9110 section 5.6.2

bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}

bool is_text(char c) noexcept {
    const auto u = static_cast<unsigned char>(c);
    return c == '\t' || (u >= 0x20 && u != 0x7f);
}

bool is_lower_hex(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

// May `c` follow `before` in a signature of this length on the wire? One of v4a is DER in hex, so an even number of
// digits, then padding.
bool continues_signature(std::string_view before, char c, std::size_t length) noexcept {
    const bool in_padding = before.ends_with('*');
    if (c == '*') {
        return length == most_ecdsa_hex && !before.empty() && (in_padding || before.size() % 2 == 0);
    }
    return is_lower_hex(c) && !in_padding;
}

bool is_signature(std::string_view text, std::size_t length) noexcept {
    bool good = text.size() == length;
    for (std::size_t i = 0; good && i < text.size(); ++i) {
        good = continues_signature(text.substr(0, i), text[i], length);
    }
    return good;
}

} // namespace

chunk_decoder::chunk_decoder(const chunk_rules& rules) : rules_(rules), signature_{} {
    if (rules.sum) {
        sum_.emplace(*rules.sum);
    }
}

chunk_decoder::chunk_decoder(const chunk_rules& rules, const chunk_verifier& verifier) : chunk_decoder(rules) {
    verifier_.emplace(verifier);
}

chunk_decoder::step chunk_decoder::next(std::string_view& bytes, std::string_view& content) noexcept {
    while (state_ != state::broken && !bytes.empty()) {
        if (state_ == state::chunk) {
            content = take_chunk(bytes);
            return step::content;
        }
        state_ = state_ == state::complete ? fail("bytes after the end of the body") : step_over(bytes.front());
        if (state_ != state::broken) {
            bytes.remove_prefix(1);
            ++position_;
        }
    }
    if (state_ == state::broken) {
        return step::broken;
    }
    return state_ == state::complete ? step::complete : step::more;
}

chunk_decoder::step chunk_decoder::finish() noexcept {
    if (state_ == state::complete) {
        return step::complete;
    }
    if (state_ == state::chunk) {
        state_ = fail("the body ends inside a chunk");
    } else if (state_ >= state::trailer_start && state_ <= state::last_lf) {
        state_ = fail("the body ends before the empty line behind its last chunk");
    } else if (state_ != state::broken) {
        state_ = fail("the body ends without a last chunk");
    }
    return step::broken;
}

trailer chunk_decoder::trailer_at(std::size_t i) const noexcept {
    return view_of(fields_[i]);
}

trailer chunk_decoder::view_of(const field& line) const noexcept {
    return {{text_.data() + line.start, line.name}, {text_.data() + line.start + line.name, line.value}};
}

chunk_decoder::state chunk_decoder::fail_at(std::uint64_t position, std::string_view reason) noexcept {
    error_ = {position, reason};
    return state::broken;
}

chunk_decoder::state chunk_decoder::expect(char c, char wanted, state next, std::string_view reason) noexcept {
    return c == wanted ? next : fail(reason);
}

std::string_view chunk_decoder::take_chunk(std::string_view& bytes) noexcept {
    const std::string_view piece =
        bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
    bytes.remove_prefix(piece.size());
    hash_together(piece, verifier_ ? &hash_ : nullptr, sum_ ? &*sum_ : nullptr);
    position_ += piece.size();
    left_ -= piece.size();
    if (left_ == 0) {
        state_ = state::chunk_cr;
    }
    return piece;
}

// One byte of framing.
chunk_decoder::state chunk_decoder::step_over(char c) noexcept {
    switch (state_) {
    case state::size_first:
    case state::size:
        return within_size(c);
    case state::extension:
        return within_extension(c);
    case state::signature:
        return within_signature(c);
    case state::size_cr:
        return expect(c, '\r', state::size_lf, "no CRLF after the chunk signature");
    case state::size_lf:
        return c == '\n' ? begin_chunk() : fail("no LF after CR in a chunk's size line");
    case state::chunk_cr:
        return expect(c, '\r', state::chunk_lf, "no CRLF after the bytes of a chunk");
    case state::chunk_lf:
        if (c != '\n') {
            return fail("no CRLF after the bytes of a chunk");
        }
        return is_signed_rightly() ? state::size_first : fail_at(signature_at_, "the chunk signature does not match");
    default:
        return within_trailers(c);
    }
}

chunk_decoder::state chunk_decoder::within_size(char c) noexcept {
    if (state_ == state::size_first) {
        line_at_ = position_;
        matched_ = 0;
        left_ = 0;
    }
    const int digit = hex_value(c);
    if (digit < 0) {
        return matched_ != 0 ? after_size(c) : fail("a chunk's size is not a hex number");
    }
    if (++matched_ > most_digits) {
        return fail("a chunk's size has more than 15 digits");
    }
    left_ = left_ * 16 + static_cast<unsigned>(digit);
    return state::size;
}

chunk_decoder::state chunk_decoder::after_size(char c) noexcept {
    const bool is_signed = signature_length(rules_.form) != 0;
    if (c == ';' && is_signed) {
        matched_ = 1;
        return state::extension;
    }
    if (c == '\r' && !is_signed) {
        return state::size_lf;
    }
    if (c == '\r') {
        return fail("a chunk without chunk-signature in a signed body");
    }
    return fail(c == ';' ? "a chunk extension in an unsigned body" : "a chunk's size is not a hex number");
}

chunk_decoder::state chunk_decoder::within_extension(char c) noexcept {
    if (c != extension_text[matched_]) {
        return fail("a chunk extension other than chunk-signature");
    }
    if (++matched_ < extension_text.size()) {
        return state::extension;
    }
    matched_ = 0;
    signature_at_ = position_ + 1;
    return state::signature;
}

chunk_decoder::state chunk_decoder::within_signature(char c) noexcept {
    const std::size_t length = signature_length(rules_.form);
    if (!continues_signature({signature_.data(), matched_}, c, length)) {
        return fail(
            length == most_ecdsa_hex ? "a chunk signature is not 144 lower-case hex digits and padding"
                                     : "a chunk signature is not 64 lower-case hex digits"
        );
    }
    signature_[matched_++] = c;
    return matched_ < length ? state::signature : state::size_cr;
}

// The size line is read.
chunk_decoder::state chunk_decoder::begin_chunk() noexcept {
    read_ += left_;
    if (rules_.decoded_length && read_ > *rules_.decoded_length) {
        return fail_at(line_at_, "more content than x-amz-decoded-content-length says");
    }
    if (left_ != 0) {
        return state::chunk;
    }
    if (rules_.decoded_length && read_ < *rules_.decoded_length) {
        return fail_at(line_at_, "less content than x-amz-decoded-content-length says");
    }
    return is_signed_rightly() ? state::trailer_start : fail_at(signature_at_, "the chunk signature does not match");
}

bool chunk_decoder::is_signed_rightly() noexcept {
    if (!verifier_) {
        return true;
    }
    const digest hash = std::exchange(hash_, sha256()).finish();
    return verifier_->verify_chunk(hash, {signature_.data(), signature_length(rules_.form)});
}

chunk_decoder::state chunk_decoder::within_trailers(char c) noexcept {
    const bool in_empty_line = state_ == state::last_lf || (state_ == state::trailer_start && c == '\r');
    if (!in_empty_line && ++trailer_bytes_ > longest_trailers) { // so text_ has room for what is kept of them
        return fail("more than 4096 bytes of trailers");
    }
    switch (state_) {
    case state::trailer_start:
        return begin_trailer(c);
    case state::trailer_name:
        return within_trailer_name(c);
    case state::trailer_value:
        return within_trailer_value(c);
    case state::trailer_lf:
        return c == '\n' ? end_trailer() : fail("no LF after CR in a trailer");
    default: // last_lf
        return c == '\n' ? end_trailers() : fail("no LF after CR behind the last chunk");
    }
}

chunk_decoder::state chunk_decoder::begin_trailer(char c) noexcept {
    line_at_ = position_;
    if (c == '\r') {
        return state::last_lf;
    }
    if (!has_trailer(rules_.form)) {
        return fail("something other than CRLF behind the last chunk");
    }
    if (trailer_signature_.name != 0) {
        return fail("a trailer behind x-amz-trailer-signature");
    }
    line_ = {position_, static_cast<std::uint16_t>(text_size_), 0, 0};
    return c == ':' ? fail("a trailer without name") : within_trailer_name(c);
}

chunk_decoder::state chunk_decoder::within_trailer_name(char c) noexcept {
    if (c == ':') {
        return end_trailer_name();
    }
    if (!contains(token_bytes, c)) {
        return fail("a byte that no trailer name has");
    }
    text_[text_size_++] = to_lower(c);
    ++line_.name;
    return state::trailer_name;
}

chunk_decoder::state chunk_decoder::end_trailer_name() noexcept {
    const std::string_view name = view_of(line_).name;
    if (name == trailer_signature_name) {
        return signature_length(rules_.form) != 0 ? state::trailer_value
                                                  : fail_at(line_at_, "a trailer signature in an unsigned body");
    }
    for (std::size_t i = 0; i < field_count_; ++i) {
        if (trailer_at(i).name == name) {
            return fail_at(line_at_, "a trailer that came before");
        }
    }
    return field_count_ < most_trailers ? state::trailer_value : fail_at(line_at_, "more than 16 trailers");
}

chunk_decoder::state chunk_decoder::within_trailer_value(char c) noexcept {
    if (c == '\r') {
        return state::trailer_lf;
    }
    if (!is_text(c)) {
        return fail("a control character in a trailer");
    }
    if (line_.value == 0 && is_blank(c)) {
        return state::trailer_value;
    }
    text_[text_size_++] = c;
    ++line_.value;
    return state::trailer_value;
}

chunk_decoder::state chunk_decoder::end_trailer() noexcept {
    while (line_.value != 0 && is_blank(text_[text_size_ - 1])) {
        --text_size_;
        --line_.value;
    }
    const trailer read = view_of(line_);
    if (read.name != trailer_signature_name) {
        fields_[field_count_++] = line_;
        return state::trailer_start;
    }
    if (!is_signature(read.value, signature_length(rules_.form))) {
        return fail_at(line_at_, "the trailer signature is not of the form of a signature");
    }
    if (verifier_ && !verifier_->verify_trailer(hash_of_fields(), read.value)) {
        return fail_at(line_at_, "the trailer signature does not match");
    }
    trailer_signature_ = line_;
    return state::trailer_start;
}

digest chunk_decoder::hash_of_fields() const noexcept {
    std::array<trailer, most_trailers> sorted;
    for (std::size_t i = 0; i < field_count_; ++i) {
        sorted[i] = trailer_at(i);
    }
    const std::span<trailer> fields = std::span(sorted).first(field_count_);
    std::sort(fields.begin(), fields.end(), [](const trailer& a, const trailer& b) { return a.name < b.name; });
    return hash_of_trailers(fields);
}

chunk_decoder::state chunk_decoder::end_trailers() noexcept {
    if (has_trailer(rules_.form) && signature_length(rules_.form) != 0 && trailer_signature_.name == 0) {
        return fail_at(line_at_, "x-amz-trailer-signature is missing");
    }
    return sum_ ? check_sum() : state::complete;
}

chunk_decoder::state chunk_decoder::check_sum() noexcept {
    for (std::size_t i = 0; i < field_count_; ++i) {
        const trailer read = trailer_at(i);
        if (read.name == header_name(sum_->kind())) {
            return read.value == sum_->value().view() ? state::complete
                                                      : fail_at(fields_[i].position, "the checksum does not match");
        }
    }
    return fail_at(line_at_, "the checksum trailer is missing");
}

} // namespace countersign::signer
