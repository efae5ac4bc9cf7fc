#include "signer/key_memory.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <new>

namespace countersign::signer {
namespace {

// Room for some thousands of keys. Only used pages are in memory, and locked. Debian's RLIMIT_MEMLOCK is 8 MiB.
constexpr std::size_t heap_size = 4 * 1024 * 1024;
constexpr std::size_t smallest_piece = 32;

} // namespace

key_safety open_key_memory() noexcept {
    switch (CRYPTO_secure_malloc_init(heap_size, smallest_piece)) {
    case 1:
        return key_safety::locked;
    case 2:
        return key_safety::not_dumped; // something could not be had: mostly, more locked memory
    default:
        return key_safety::ordinary;
    }
}

void* take_key_memory(std::size_t size) {
    void* memory = OPENSSL_secure_malloc(size);
    if (memory == nullptr) {
        memory = OPENSSL_malloc(size); // the heap is full
    }
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}

// OpenSSL knows by the address which of the two it is.
void give_back_key_memory(void* memory, std::size_t size) noexcept {
    OPENSSL_secure_clear_free(memory, size);
}

key_text to_key_text(std::string_view text) {
    key_text out;
    if (!text.empty()) {
        out.reserve(std::max(text.size(), out.capacity() + 1));
        out.append(text);
    }
    return out;
}

} // namespace countersign::signer
