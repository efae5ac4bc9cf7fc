// Which event lines of one thread are written, and which are only counted: whoever can make us write a line must not be
// able to fill a disk with it, or to hide other lines behind it. Of equal lines the first few of a window are
// written, the others are told of at its end, in one line. Memory is bounded. Pure but for its own state; belongs to
// one thread.
#pragma once

#include <spdlog/common.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::proxy {

class line_limiter {
public:
    using time = std::chrono::steady_clock::time_point;
    using level = spdlog::level::level_enum;

    static constexpr std::chrono::seconds window{10};
    static constexpr unsigned at_once = 5;        // equal lines in a window
    static constexpr std::size_t most_kinds = 64; // that are told apart in a window …
    static constexpr std::size_t for_errors = 16; // … of which these are not for warnings
    static constexpr std::size_t kept_text = 512;

    // From here on strangers have a hand in the lines: they are equal when they differ in numbers only, and what is
    // beyond most_kinds is counted, too (else it is written).
    void expect_strangers() noexcept { strangers_ = true; }

    // False: it is left out, and counted.
    bool admit(level l, std::string_view text, time now);

    struct left_out {
        level of;
        std::string text; // the first of them, up to kept_text; empty: of several kinds
        unsigned lines;
    };
    // Of the windows that have ended by now. Allocates nothing where there is nothing to tell.
    std::vector<left_out> take_due(time now);

private:
    struct kind {
        std::uint64_t hash;
        level of;
        time began;
        unsigned seen = 0;
        unsigned left_out = 0;
        std::string text;
    };
    std::uint64_t hash_of(std::string_view text) const noexcept;

    std::vector<kind> kinds_;
    kind others_{0, level::warn, {}, 0, 0, {}};
    bool strangers_ = false;
};

// "… (37 more such lines in the last 10 s)"
std::string in_words(const line_limiter::left_out& what);

} // namespace countersign::proxy
