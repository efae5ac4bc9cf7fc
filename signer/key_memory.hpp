// Memory for keys: never in a core dump, locked against swapping where RLIMIT_MEMLOCK allows, between guard pages,
// wiped when it is given back. It is OpenSSL's secure heap (its own private keys live there too). Before
// open_key_memory(), and when the heap is full, it is ordinary memory that is wiped all the same: a key is never
// refused for that. Any thread. OpenSSL takes one lock for all: take memory where keys come and go, never for each
// request.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace countersign::signer {

// How well keys are kept from here on.
enum class key_safety : unsigned char { locked, not_dumped, ordinary };

// Once, before the first key and before threads; a second call changes nothing and says `ordinary`.
key_safety open_key_memory() noexcept;

// Throws std::bad_alloc where there is no memory at all.
void* take_key_memory(std::size_t size);
void give_back_key_memory(void* memory, std::size_t size) noexcept; // wipes it

template <class T>
struct key_allocator {
    using value_type = T;
    key_allocator() = default;
    template <class U>
    key_allocator(const key_allocator<U>&) noexcept {}

    T* allocate(std::size_t count) { return static_cast<T*>(take_key_memory(count * sizeof(T))); }
    void deallocate(T* memory, std::size_t count) noexcept { give_back_key_memory(memory, count * sizeof(T)); }
    friend bool operator==(const key_allocator&, const key_allocator&) noexcept { return true; }
};

// A text in such memory, however short it is: the room inside of a std::string would lie anywhere.
using key_text = std::basic_string<char, std::char_traits<char>, key_allocator<char>>;
key_text to_key_text(std::string_view text);

// For a class that holds keys and lives on the heap.
struct in_key_memory {
    static void* operator new(std::size_t size) { return take_key_memory(size); }
    static void operator delete(void* memory, std::size_t size) noexcept { give_back_key_memory(memory, size); }
};

} // namespace countersign::signer
