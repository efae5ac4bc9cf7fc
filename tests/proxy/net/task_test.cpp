#include "proxy/net/task.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace countersign::proxy {
namespace task_test {

// Suspends its coroutine until open() is called.
struct gate {
    std::coroutine_handle<> waiting;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> w) noexcept { waiting = w; }
    void await_resume() const noexcept {}
    void open() { std::exchange(waiting, nullptr).resume(); }
};

// Counts the copies that are alive.
struct counted {
    explicit counted(int& n) noexcept : alive(n) { ++alive; }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { --alive; }
    int& alive;
};

task<std::unique_ptr<std::string>> make_text(std::string text) {
    co_return std::make_unique<std::string>(std::move(text));
}

task<int> add_after(gate& g, int a, int b) {
    co_await g;
    co_return a + b;
}

task<> fail_after(gate& g) {
    co_await g;
    throw std::runtime_error("as it should");
}

task<int> count_down(int n) {
    if (n == 0)
        co_return 0;
    const int below = co_await count_down(n - 1);
    co_return below + 1;
}

TEST(Task, HasAValueThatNeedNotBeCopied) {
    std::string got;
    const auto run = [](std::string& out) -> detached {
        const auto text = co_await make_text("a value");
        out = *text;
    };
    run(got);
    EXPECT_EQ(got, "a value");
}

TEST(Task, DoesNothingBeforeItIsAwaited) {
    int alive = 0;
    const auto hold = [](int& n) -> task<> {
        const counted one(n);
        co_return;
    };
    const auto look = [](task<> t, int& n, int& before) -> detached {
        before = n;
        co_await std::move(t);
    };
    int before = -1;
    look(hold(alive), alive, before);
    EXPECT_EQ(before, 0);
    EXPECT_EQ(alive, 0);
    { const task<> never_awaited = hold(alive); }
    EXPECT_EQ(alive, 0);
}

TEST(Task, ResumesWhoeverAwaitsIt) {
    gate g;
    int sum = 0;
    const auto run = [](gate& at, int& out) -> detached {
        const int first = co_await add_after(at, 1, 2);
        out = first;
        const int second = co_await add_after(at, first, 10);
        out = second;
    };
    run(g, sum);
    EXPECT_EQ(sum, 0);
    g.open();
    EXPECT_EQ(sum, 3);
    g.open();
    EXPECT_EQ(sum, 13);
    EXPECT_FALSE(g.waiting);
}

TEST(Task, PassesAnExceptionToWhoeverAwaitsIt) {
    gate g;
    std::string caught;
    const auto run = [](gate& at, std::string& out) -> detached {
        try {
            co_await fail_after(at);
        } catch (const std::runtime_error& e) {
            out = e.what();
        }
    };
    run(g, caught);
    EXPECT_EQ(caught, "");
    g.open();
    EXPECT_EQ(caught, "as it should");
}

TEST(Task, CanBeMovedBeforeItIsAwaited) {
    gate g;
    int sum = 0;
    const auto run = [](task<int> t, int& out) -> detached {
        task<int> moved = std::move(t);
        const int value = co_await std::move(moved);
        out = value;
    };
    run(add_after(g, 20, 3), sum);
    g.open();
    EXPECT_EQ(sum, 23);
}

TEST(Task, FreesItsFrameWithWhatIsInIt) {
    gate g;
    int alive = 0;
    const auto hold = [](gate& at, int& n) -> task<> {
        const counted one(n);
        co_await at;
    };
    const auto run = [](auto held, gate& at, int& n) -> detached {
        co_await held(at, n);
        EXPECT_EQ(n, 0); // gone with its full expression, before the one who awaited it goes on
    };
    run(hold, g, alive);
    EXPECT_EQ(alive, 1);
    g.open();
    EXPECT_EQ(alive, 0);
}

TEST(Task, AwaitsOneAnotherInDepth) {
    int depth = 0;
    const auto run = [](int& out) -> detached { out = co_await count_down(1000); };
    run(depth);
    EXPECT_EQ(depth, 1000);
}

} // namespace task_test
} // namespace countersign::proxy
