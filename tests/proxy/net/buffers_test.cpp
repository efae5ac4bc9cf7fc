#include "proxy/net/buffers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace countersign::proxy {
namespace buffers_test {

constexpr std::size_t size = 16 * 1024;

// How many of its pages lie in memory. Fresh ones come with their first byte.
std::size_t pages_of(const char* memory) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    std::vector<unsigned char> present(size / page);
    EXPECT_EQ(::mincore(const_cast<char*>(memory), size, present.data()), 0);
    return static_cast<std::size_t>(std::count_if(present.begin(), present.end(), [](auto p) { return p & 1; }));
}

TEST(BlockPool, LendsTheSameBlockAgain) {
    block_pool pool(size, 2);
    char* first = nullptr;
    {
        const block b = pool.take();
        first = b.begin();
        EXPECT_EQ(b.size(), size);
        std::fill_n(first, size, 'x');
    }
    const block again = pool.take();
    EXPECT_EQ(again.begin(), first);
    EXPECT_GT(pages_of(first), 0u);
}

TEST(BlockPool, GivesThePagesBackOfWhatIsNotKept) {
    block_pool pool(size, 1);
    block kept = pool.take();
    block dropped = pool.take();
    char* const memory = dropped.begin();
    std::fill_n(kept.begin(), size, 'x');
    std::fill_n(memory, size, 'x');
    kept.release();
    EXPECT_GT(pages_of(memory), 0u);
    dropped.release();
    EXPECT_EQ(pages_of(memory), 0u);
    const block warm = pool.take(); // the one with its pages comes first
    EXPECT_NE(warm.begin(), memory);
    const block cold = pool.take();
    EXPECT_EQ(cold.begin(), memory);
    EXPECT_EQ(cold.begin()[size - 1], '\0');
}

TEST(BlockPool, NeverLendsABlockToTwo) {
    block_pool pool(size, 3);
    for (int round = 0; round < 3; ++round) {
        std::vector<block> lent;
        std::set<char*> places;
        for (int i = 0; i < 40; ++i) {
            lent.push_back(pool.take());
            places.insert(lent.back().begin());
        }
        EXPECT_EQ(places.size(), 40u);
    }
}

TEST(Block, IsEmptyOnceItIsMovedOrReleased) {
    block_pool pool(size, 2);
    block a = pool.take();
    char* const memory = a.begin();
    block b(std::move(a));
    EXPECT_FALSE(a);
    EXPECT_EQ(b.begin(), memory);
    block c;
    EXPECT_FALSE(c);
    c.release();
    c = std::move(b);
    EXPECT_EQ(c.begin(), memory);
    c.release();
    c.release(); // the second time gives nothing back
    const block d = pool.take(), e = pool.take();
    EXPECT_NE(d.begin(), e.begin());
}

TEST(Block, GivesTheOldOneBackWhenItIsAssignedANewOne) {
    block_pool pool(size, 2);
    block a = pool.take();
    char* const old = a.begin();
    a = pool.take();
    EXPECT_NE(a.begin(), old);
    EXPECT_EQ(pool.take().begin(), old);
}

} // namespace buffers_test
} // namespace countersign::proxy
