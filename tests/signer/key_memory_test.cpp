#include "signer/key.hpp"
#include "signer/key_memory.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace countersign::signer {
namespace key_memory_test {

key_safety opened() {
    static const key_safety found = open_key_memory(); // once in a process
    return found;
}

// The two-letter flags that the kernel has for the mapping of this address, each between blanks.
std::string flags_at(const void* address) {
    const auto wanted = reinterpret_cast<std::uintptr_t>(address);
    std::ifstream maps("/proc/self/smaps");
    bool is_here = false;
    for (std::string line; std::getline(maps, line);) {
        std::uintptr_t begin = 0, end = 0;
        char dash = 0;
        if (line.rfind("VmFlags:", 0) == 0) {
            if (is_here) {
                return line.substr(8) + " ";
            }
        } else if (std::istringstream range(line); range >> std::hex >> begin >> dash >> end && dash == '-') {
            is_here = begin <= wanted && wanted < end;
        }
    }
    return "";
}

bool has(const std::string& flags, const std::string& one) {
    return flags.find(" " + one + " ") != std::string::npos;
}

TEST(KeyMemory, IsNeitherDumpedNorSwapped) {
    ASSERT_NE(opened(), key_safety::ordinary);
    const auto text = std::make_unique<key_text>(to_key_text("wJalrXUtnFEMI/K7MDENG"));
    const std::string flags = flags_at(text->data());
    EXPECT_TRUE(has(flags, "dd")) << flags;
    if (opened() == key_safety::locked) { // RLIMIT_MEMLOCK allows it
        EXPECT_TRUE(has(flags, "lo")) << flags;
    }
}

TEST(KeyMemory, HoldsShortTextsToo) {
    ASSERT_NE(opened(), key_safety::ordinary);
    const key_text text = to_key_text("x");
    EXPECT_EQ(text, "x");
    EXPECT_TRUE(has(flags_at(text.data()), "dd"));
    const key_text moved = to_key_text("y");
    EXPECT_TRUE(has(flags_at(moved.data()), "dd"));
}

TEST(KeyMemory, HoldsTheKeysOfACache) {
    ASSERT_NE(opened(), key_safety::ordinary);
    key_cache keys;
    EXPECT_TRUE(has(flags_at(&keys.find("AKID", "secret", "20260101", "us-east-1", "s3")), "dd"));
}

TEST(KeyMemory, IsWipedWhenItIsGivenBack) {
    ASSERT_NE(opened(), key_safety::ordinary);
    void* const memory = take_key_memory(64);
    std::memset(memory, 'k', 64);
    give_back_key_memory(memory, 64);
    // The pages stay mapped: the heap is one piece. Its first words are its own list of what is free.
    const std::string left(static_cast<const char*>(memory) + 16, 48);
    EXPECT_EQ(left, std::string(48, '\0'));
}

TEST(KeyMemory, IsOrdinaryMemoryOnceTheHeapIsFull) {
    ASSERT_NE(opened(), key_safety::ordinary);
    std::vector<key_text> many;
    for (int i = 0; i < 20; ++i) {
        many.push_back(to_key_text(std::string(500'000, 'k')));
    }
    EXPECT_FALSE(has(flags_at(many.back().data()), "dd"));
    EXPECT_EQ(many.back().size(), 500'000u);
}

} // namespace key_memory_test
} // namespace countersign::signer
