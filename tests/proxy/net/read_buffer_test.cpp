#include "proxy/net/read_buffer.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace countersign::proxy {
namespace read_buffer_test {

void add(read_buffer& b, std::string_view text) {
    const auto room = b.room();
    ASSERT_LE(text.size(), room.size());
    std::memcpy(room.data(), text.data(), text.size());
    b.added(text.size());
}

struct filled {
    block_pools blocks;
    read_buffer buffer{blocks};
    const std::size_t small = blocks.small.block_size();
    const std::size_t large = blocks.large.block_size();
};

TEST(ReadBuffer, HoldsNoBlockUntilThereIsSomethingToRead) {
    filled f;
    EXPECT_FALSE(f.buffer.has_block());
    EXPECT_TRUE(f.buffer.empty());
    EXPECT_EQ(f.buffer.room_size(), f.small);
    add(f.buffer, "abc");
    EXPECT_TRUE(f.buffer.has_block());
    f.buffer.release();
    EXPECT_FALSE(f.buffer.has_block());
}

TEST(ReadBuffer, GivesBytesInTheirOrder) {
    filled f;
    add(f.buffer, "abc");
    add(f.buffer, "def");
    f.buffer.consume(2);
    EXPECT_EQ(f.buffer.bytes(), "cdef");
    f.buffer.compact();
    EXPECT_EQ(f.buffer.bytes(), "cdef");
    EXPECT_EQ(f.buffer.room_size(), f.small - 4);
}

TEST(ReadBuffer, StartsAnewWhenAllIsConsumed) {
    filled f;
    add(f.buffer, std::string(f.small, 'x'));
    EXPECT_TRUE(f.buffer.was_filled());
    f.buffer.consume(f.small);
    EXPECT_EQ(f.buffer.room().size(), f.small);
}

TEST(ReadBuffer, MakesRoomInFrontBeforeItTakesALargeBlock) {
    filled f;
    add(f.buffer, std::string(f.small, 'x'));
    f.buffer.consume(1);
    EXPECT_TRUE(f.buffer.make_room());
    EXPECT_FALSE(f.buffer.is_large());
    add(f.buffer, "y");
    EXPECT_TRUE(f.buffer.make_room());
    EXPECT_TRUE(f.buffer.is_large());
    EXPECT_EQ(f.buffer.bytes(), std::string(f.small - 1, 'x') + "y");
    add(f.buffer, std::string(f.large - f.small, 'z'));
    EXPECT_FALSE(f.buffer.make_room());
}

TEST(ReadBuffer, TakesAnothersBlockOver) {
    filled f;
    read_buffer other{f.blocks};
    add(other, "next request");
    other.consume(5);
    add(f.buffer, "old");
    f.buffer.take_over(other);
    EXPECT_EQ(f.buffer.bytes(), "request");
    EXPECT_FALSE(other.has_block());
}

} // namespace read_buffer_test
} // namespace countersign::proxy
