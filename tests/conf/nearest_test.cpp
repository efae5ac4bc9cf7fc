#include "conf/nearest.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace countersign::conf {
namespace nearest_test {

const std::vector<std::string> names{"listen.address", "listen.workers", "retry.mode", "upstream.ca_file"};

TEST(EditDistance, CountsSlipsOfTheKeyboard) {
    EXPECT_EQ(edit_distance("mode", "mode"), 0u);
    EXPECT_EQ(edit_distance("mode", "modes"), 1u);
    EXPECT_EQ(edit_distance("mode", "node"), 1u);
    EXPECT_EQ(edit_distance("mode", "moed"), 1u);
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Nearest, FindsTheMisspelledName) {
    EXPECT_EQ(nearest("listen.adress", names), "listen.address");
    EXPECT_EQ(nearest("listen.Workers", names), "listen.workers");
    EXPECT_EQ(nearest("upstream.ca-file", names), "upstream.ca_file");
}

TEST(Nearest, FindsTheTableOfABareName) {
    EXPECT_EQ(nearest("workers", names), "listen.workers");
}

TEST(Nearest, SaysNothingWhenNothingIsNear) {
    EXPECT_EQ(nearest("something.else", names), "");
    EXPECT_EQ(nearest(std::string(1000, 'x'), names), "");
}

} // namespace nearest_test
} // namespace countersign::conf
