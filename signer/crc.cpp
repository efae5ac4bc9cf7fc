#include "signer/crc.hpp"

#include <climits>

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#if defined(__x86_64__) && defined(__GNUC__)
#define COUNTERSIGN_CAN_FOLD 1
#include <immintrin.h>
#else
#define COUNTERSIGN_CAN_FOLD 0
#endif

namespace countersign::signer {
namespace {

// Reflected polynomials, the highest power left out: bit 0 of a word is its highest power of x.
constexpr std::uint32_t crc32_polynomial = 0xedb88320;
constexpr std::uint32_t crc32c_polynomial = 0x82f63b78;
constexpr std::uint64_t crc64nvme_polynomial = 0x9a6c9329ac4bc9b5;

template <class Word>
constexpr Word times_x(Word value, Word polynomial) {
    return static_cast<Word>((value >> 1) ^ ((value & 1) != 0 ? polynomial : 0));
}

// tables[k][b]: what byte b does to the state k bytes later.
template <auto Polynomial>
constexpr auto tables = [] {
    using word = std::remove_const_t<decltype(Polynomial)>;
    std::array<std::array<word, 256>, 8> made{};
    for (std::size_t byte = 0; byte < 256; ++byte) {
        word value = static_cast<word>(byte);
        for (int bit = 0; bit < 8; ++bit) {
            value = times_x(value, Polynomial);
        }
        made[0][byte] = value;
    }
    for (std::size_t k = 1; k < made.size(); ++k) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const word one_less = made[k - 1][byte];
            made[k][byte] = static_cast<word>((one_less >> 8) ^ made[0][one_less & 0xff]);
        }
    }
    return made;
}();

std::uint64_t load(const unsigned char* at) noexcept { // little-endian everywhere; one instruction on x86 and ARM
    std::uint64_t value = 0;
    for (unsigned i = 0; i < 8; ++i) {
        value |= static_cast<std::uint64_t>(at[i]) << (8 * i);
    }
    return value;
}

// The state after `size` more bytes; without the inversions before and after.
template <auto Polynomial, class Word = decltype(Polynomial)>
auto by_table(std::remove_const_t<Word> state, const unsigned char* at, std::size_t size) noexcept {
    using word = std::remove_const_t<Word>;
    constexpr const auto& table = tables<Polynomial>;
    for (; size >= 8; at += 8, size -= 8) {
        const std::uint64_t mixed = load(at) ^ state;
        state = [&]<std::size_t... K>(std::index_sequence<K...>) { // written out: -O2 leaves a loop here
            return static_cast<word>((table[7 - K][(mixed >> (8 * K)) & 0xff] ^ ...));
        }
        (std::make_index_sequence<8>());
    }
    for (; size != 0; ++at, --size) {
        state = static_cast<word>((state >> 8) ^ table[0][(state ^ *at) & 0xff]);
    }
    return state;
}

#if COUNTERSIGN_CAN_FOLD

// x^exponent mod P, reflected in 64 bits.
template <auto Polynomial>
constexpr std::uint64_t power(unsigned exponent) {
    using word = std::remove_const_t<decltype(Polynomial)>;
    constexpr unsigned width = sizeof(word) * CHAR_BIT;
    word value = static_cast<word>(word{1} << (width - 1)); // x^0
    for (unsigned i = 0; i < exponent; ++i) {
        value = times_x<word>(value, Polynomial);
    }
    return static_cast<std::uint64_t>(value) << (64 - width);
}

// What the two halves of a block are multiplied with to move it `bits` further. The product of two reflected 64-bit
// words lies one bit too low in 128 bits, which stands for a factor x: hence the 1.
template <auto Polynomial>
struct move_by {
    explicit constexpr move_by(unsigned bits)
        : first_half(power<Polynomial>(bits + 64 - 1)), second_half(power<Polynomial>(bits - 1)) {}
    std::uint64_t first_half;
    std::uint64_t second_half;
};

#define COUNTERSIGN_FOLDING __attribute__((target("pclmul,sse2")))

COUNTERSIGN_FOLDING inline __m128i load_block(const unsigned char* at) noexcept {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

COUNTERSIGN_FOLDING inline __m128i fold(__m128i block, __m128i factors, __m128i onto) noexcept {
    const __m128i first = _mm_clmulepi64_si128(block, factors, 0x00);
    const __m128i second = _mm_clmulepi64_si128(block, factors, 0x11);
    return _mm_xor_si128(_mm_xor_si128(first, second), onto);
}

template <auto Polynomial>
COUNTERSIGN_FOLDING inline __m128i factors_of(const move_by<Polynomial>& move) noexcept {
    return _mm_set_epi64x(static_cast<long long>(move.second_half), static_cast<long long>(move.first_half));
}

// Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ" (Intel, 2009): 64 bytes are kept and
// moved over the message, always congruent to what they stand for. Their last 16 bytes go through the tables, which
// spares the reduction. REQUIRES: size ≥ 64.
template <auto Polynomial, class Word = decltype(Polynomial)>
COUNTERSIGN_FOLDING auto
by_folding(std::remove_const_t<Word> state, const unsigned char* at, std::size_t size) noexcept {
    static constexpr move_by<Polynomial> by_64_bytes(512);
    static constexpr move_by<Polynomial> by_16_bytes(128);
    const __m128i far = factors_of(by_64_bytes);
    const __m128i near = factors_of(by_16_bytes);

    const __m128i start = _mm_cvtsi64_si128(static_cast<long long>(static_cast<std::uint64_t>(state)));
    __m128i a = _mm_xor_si128(load_block(at), start);
    __m128i b = load_block(at + 16);
    __m128i c = load_block(at + 32);
    __m128i d = load_block(at + 48);
    for (at += 64, size -= 64; size >= 64; at += 64, size -= 64) {
        a = fold(a, far, load_block(at));
        b = fold(b, far, load_block(at + 16));
        c = fold(c, far, load_block(at + 32));
        d = fold(d, far, load_block(at + 48));
    }
    a = fold(fold(fold(a, near, b), near, c), near, d);
    for (; size >= 16; at += 16, size -= 16) {
        a = fold(a, near, load_block(at));
    }
    alignas(16) std::array<unsigned char, 16> rest;
    _mm_store_si128(reinterpret_cast<__m128i*>(rest.data()), a);
    return by_table<Polynomial>(by_table<Polynomial>(0, rest.data(), rest.size()), at, size);
}

bool can_fold() noexcept {
    return __builtin_cpu_supports("pclmul") != 0;
}

#endif

template <auto Polynomial, class Word>
Word fast(std::string_view bytes, Word before) noexcept {
    const auto* const at = reinterpret_cast<const unsigned char*>(bytes.data());
#if COUNTERSIGN_CAN_FOLD
    if (bytes.size() >= 64 && can_fold()) {
        return static_cast<Word>(~by_folding<Polynomial>(static_cast<Word>(~before), at, bytes.size()));
    }
#endif
    return static_cast<Word>(~by_table<Polynomial>(static_cast<Word>(~before), at, bytes.size()));
}

template <auto Polynomial, class Word>
Word plain(std::string_view bytes, Word before) noexcept {
    const auto* const at = reinterpret_cast<const unsigned char*>(bytes.data());
    return static_cast<Word>(~by_table<Polynomial>(static_cast<Word>(~before), at, bytes.size()));
}

} // namespace

std::uint32_t crc32(std::string_view bytes, std::uint32_t before) noexcept {
    return fast<crc32_polynomial>(bytes, before);
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) noexcept {
    return fast<crc32c_polynomial>(bytes, before);
}

std::uint64_t crc64nvme(std::string_view bytes, std::uint64_t before) noexcept {
    return fast<crc64nvme_polynomial>(bytes, before);
}

std::uint32_t portable::crc32(std::string_view bytes, std::uint32_t before) noexcept {
    return plain<crc32_polynomial>(bytes, before);
}

std::uint32_t portable::crc32c(std::string_view bytes, std::uint32_t before) noexcept {
    return plain<crc32c_polynomial>(bytes, before);
}

std::uint64_t portable::crc64nvme(std::string_view bytes, std::uint64_t before) noexcept {
    return plain<crc64nvme_polynomial>(bytes, before);
}

} // namespace countersign::signer
