// Real commands in a real shell. Nothing here waits for a time but for the command's own limit.
#include "chain/command.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace countersign::chain {
namespace command_test {

using namespace std::chrono_literals;

result<command_reply> run(std::string command, std::chrono::milliseconds limit = 15s) {
    return tests::run_task(run_command(std::move(command), limit));
}

TEST(Command, GivesBackWhatItWroteAndHowItEnded) {
    const auto reply = run("echo out; echo no such profile >&2; exit 3");
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_EQ(reply->output.reveal(), "out\n");
    EXPECT_EQ(reply->complaint, "no such profile\n");
    EXPECT_EQ(reply->status, 3);
}

TEST(Command, GoesThroughTheShell) {
    const auto reply = run("X='a  b'; printf %s \"$X\" | tr a-z A-Z");
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->output.reveal(), "A  B");
    EXPECT_EQ(reply->status, 0);
}

TEST(Command, FindsNothingToReadAndOurEnvironment) {
    ::setenv("COUNTERSIGN_TEST_COMMAND", "here", 1);
    const auto reply = run("cat; echo $COUNTERSIGN_TEST_COMMAND");
    ::unsetenv("COUNTERSIGN_TEST_COMMAND");
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->output.reveal(), "here\n");
}

TEST(Command, InheritsNoDescriptor) {
    const int leaking = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as Asio's sockets are
    const auto reply = run("ls /proc/self/fd | wc -l"); // ls itself has 0, 1, 2 and the folder
    ::close(leaking);
    ASSERT_TRUE(reply);
    EXPECT_EQ(std::atoi(std::string(reply->output.reveal()).c_str()), 4) << reply->output.reveal();
}

TEST(Command, HasItsSignalsAtTheirDefaults) {
    const auto before = std::signal(SIGTERM, SIG_IGN);
    sigset_t blocked, old;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &blocked, &old);
    const auto reply = run("kill -TERM $$; echo survived");
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
    std::signal(SIGTERM, before);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->output.reveal(), "");
    EXPECT_EQ(reply->status, 128 + SIGTERM);
}

TEST(Command, LearnsTheStatusWhereChildrenWereIgnored) {
    const auto before = std::signal(SIGCHLD, SIG_IGN);
    const auto reply = run("exit 7");
    std::signal(SIGCHLD, before);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 7);
}

TEST(Command, MayCloseItsOutputsBeforeItEnds) {
    const auto reply = run("echo early; exec >&- 2>&-; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exit 5");
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_EQ(reply->output.reveal(), "early\n");
    EXPECT_EQ(reply->status, 5);
}

// Who is left behind has our pipe open: it says by another one that it lives, and ends when that is closed.
struct left_behind {
    left_behind() {
        for (const auto& pipe : {alive, end})
            EXPECT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
        // Both ends of each, so that nobody waits for the other to open it.
        alive_end = ::open(alive.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
        end_end = ::open(end.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    }
    ~left_behind() {
        ::close(alive_end);
        ::close(end_end);
    }
    // Ends when it can read a line from `end`, and says so to `alive`.
    std::string command() const { return "(read line < " + end.string() + "; echo bye > " + alive.string() + ") & "; }
    bool says_bye() const {
        EXPECT_EQ(::write(end_end, "x\n", 2), 2);
        pollfd told{alive_end, POLLIN, 0};
        return ::poll(&told, 1, 10000) == 1;
    }

    temporary_folder folder;
    std::filesystem::path alive = folder / "alive", end = folder / "end";
    int alive_end = -1, end_end = -1;
};

TEST(Command, HasEndedWhenItsShellHasThoughAChildHoldsItsOutputs) {
    const left_behind left;
    const auto begin = std::chrono::steady_clock::now();
    const auto reply = run(left.command() + "echo '{\"a\": \"}\\\"{\"}'; echo note >&2");
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_EQ(reply->output.reveal(), "{\"a\": \"}\\\"{\"}\n");
    EXPECT_EQ(reply->complaint, "note\n");
    EXPECT_TRUE(left.says_bye()) << "the child was killed";
}

TEST(Command, HasEndedWhateverItsOutputsAreWhenItHasFailedOrWroteNoObject) {
    for (const auto* rest : {"echo '{'; exit 3", "exit 3", "echo no JSON", "echo '\"{'"}) {
        const left_behind left;
        const auto begin = std::chrono::steady_clock::now();
        EXPECT_TRUE(run(left.command() + rest)) << rest;
        EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s) << rest;
        EXPECT_TRUE(left.says_bye()) << rest;
    }
}

TEST(Command, GivesAllOfALargeDocumentThatAChildHoldsOpen) {
    const left_behind left;
    const auto reply = run(left.command() + "printf '{\"a\":\"'; head -c 60000 /dev/zero | tr '\\0' x; printf '\"}'");
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_EQ(reply->output.reveal().size(), 60000U + 8U);
    EXPECT_TRUE(left.says_bye());
}

TEST(Command, WaitsForAChildThatWritesTheRestOfTheObject) {
    const auto reply = run("(i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo '1}') & printf '{\"a\":'");
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_EQ(reply->output.reveal(), "{\"a\":1}\n");
    const auto silent = run("(i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo '{}') &");
    ASSERT_TRUE(silent) << silent.error().detail;
    EXPECT_EQ(silent->output.reveal(), "{}\n");
}

TEST(Command, TakesAsMuchAsItMayWriteAndNotAByteMore) {
    const auto most = run("head -c 65536 /dev/zero");
    ASSERT_TRUE(most) << most.error().detail;
    EXPECT_EQ(most->output.reveal().size(), longest_command_output);
    const auto more = run("head -c 65537 /dev/zero");
    ASSERT_FALSE(more);
    EXPECT_NE(more.error().detail.find("64 KiB"), std::string::npos) << more.error().detail;
}

TEST(Command, IsKilledWhenItsOutputIsEndless) {
    EXPECT_FALSE(run("exec cat /dev/zero"));
    EXPECT_FALSE(run("while :; do echo yes; done"));
}

TEST(Command, MayComplainAtAnyLengthButOnlyTheBeginningIsKept) {
    const auto reply = run("head -c 1000000 /dev/zero | tr '\\0' x >&2; echo done");
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_EQ(reply->output.reveal(), "done\n");
    EXPECT_EQ(reply->complaint, std::string(longest_command_complaint, 'x'));
}

// Who still holds the pipe keeps it open: its end says that everybody of the group is gone.
TEST(Command, IsKilledWithAllThatItStartedWhenItIsLate) {
    const temporary_folder folder;
    const auto pipe = folder / "alive";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    const int alive = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    const auto begin = std::chrono::steady_clock::now();
    const auto late =
        run("exec 3>" + pipe.string() + "; echo held >&3; (trap '' TERM HUP; exec sleep 1000) & exec sleep 1000",
            500ms);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
    ASSERT_FALSE(late);
    EXPECT_NE(late.error().detail.find("500 ms"), std::string::npos) << late.error().detail;
    EXPECT_EQ(late.error().detail.find("sleep"), std::string::npos) << late.error().detail;
    char text[16];
    EXPECT_EQ(::read(alive, text, sizeof text), 5) << "the command had the pipe open";
    pollfd ended{alive, POLLIN, 0};
    EXPECT_EQ(::poll(&ended, 1, 10000), 1);
    EXPECT_EQ(::read(alive, text, sizeof text), 0);
    ::close(alive);
}

TEST(Command, LetsTheThreadDoOtherThingsMeanwhile) {
    boost::asio::io_context on{1};
    std::vector<std::string> ended;
    const auto note = [&](std::string_view name) {
        return [&ended, name](std::exception_ptr, const result<command_reply>&) { ended.emplace_back(name); };
    };
    // The first one ends only because the second one runs at the same time.
    const temporary_folder folder;
    const auto pipe = folder / "meeting";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    boost::asio::co_spawn(on, run_command("cat " + pipe.string(), 15s), note("reader"));
    boost::asio::co_spawn(on, run_command("echo x > " + pipe.string(), 15s), note("writer"));
    on.run_for(20s);
    EXPECT_EQ(ended.size(), 2U);
}

} // namespace command_test
} // namespace countersign::chain
