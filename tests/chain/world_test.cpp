#include "chain/credentials.hpp"
#include "chain/text.hpp"
#include "chain/world.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace countersign::chain {
namespace world_test {

struct SystemWorld : testing::Test {
    std::ptrdiff_t entries() const { return std::distance(std::filesystem::directory_iterator(folder.path()), {}); }

    temporary_folder folder;
    boost::asio::io_context on{1};
    system_world outside{on};
};

TEST_F(SystemWorld, ReadsAFileOfAnyLengthUpToTheLimit) {
    for (const std::size_t size : {0u, 1u, 4095u, 4096u, 4097u, 70000u}) {
        std::ofstream(folder / "f") << std::string(size, 'x');
        const auto text = outside.read_file(folder / "f", 70000);
        ASSERT_TRUE(text && *text) << size;
        EXPECT_EQ((*text)->reveal(), std::string(size, 'x'));
    }
}

TEST_F(SystemWorld, TellsAMissingFileFromABrokenOne) {
    const auto missing = outside.read_file(folder / "gone", 10);
    ASSERT_TRUE(missing);
    EXPECT_FALSE(*missing);
    EXPECT_FALSE(outside.read_file(folder, 10)) << "a folder";
}

TEST_F(SystemWorld, EndsAtTheLimitOfAnEndlessFile) {
    const auto endless = outside.read_file("/dev/zero", 65536);
    ASSERT_FALSE(endless);
    EXPECT_NE(endless.error().detail.find("64 KiB"), std::string::npos) << endless.error().detail;
}

TEST_F(SystemWorld, DoesNotWaitForAPipeThatNobodyWrites) {
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    const auto text = outside.read_file(folder / "pipe", 10);
    ASSERT_TRUE(text && *text);
    EXPECT_EQ((*text)->reveal(), "");
}

TEST_F(SystemWorld, WritesAFileThatOnlyItsOwnerReads) {
    std::ofstream(folder / "f") << "the old one, which is longer";
    ASSERT_EQ(::chmod((folder / "f").c_str(), 0644), 0);
    EXPECT_FALSE(outside.write_file(folder / "f", "new"));
    EXPECT_EQ((*outside.read_file(folder / "f", 100))->reveal(), "new");
    struct stat about = {};
    ASSERT_EQ(::stat((folder / "f").c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 07777, 0600U);
    EXPECT_EQ(entries(), 1) << "the temporary file is gone";
}

TEST_F(SystemWorld, KeepsWhatIsThereWhenWritingFails) {
    std::filesystem::create_directories(folder / "f" / "inside"); // a folder is never replaced by a file
    const auto wrong = outside.write_file(folder / "f", "new");
    ASSERT_TRUE(wrong);
    EXPECT_NE(wrong->detail.find((folder / "f").string()), std::string::npos) << wrong->detail;
    EXPECT_TRUE(std::filesystem::exists(folder / "f" / "inside"));
    EXPECT_EQ(entries(), 1) << "the temporary file is gone";
    EXPECT_TRUE(outside.write_file(folder / "no such folder" / "nor this" / "f", "new"));
}

TEST_F(SystemWorld, LeavesAFileToItsOwner) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "only root can write for others";
    std::ofstream(folder / "f") << "old";
    ASSERT_EQ(::chown((folder / "f").c_str(), 12345, 12346), 0);
    EXPECT_FALSE(outside.write_file(folder / "f", "new"));
    struct stat about = {};
    ASSERT_EQ(::stat((folder / "f").c_str(), &about), 0);
    EXPECT_EQ(about.st_uid, 12345U);
    EXPECT_EQ(about.st_gid, 12346U);
    EXPECT_EQ(about.st_mode & 07777, 0600U);
}

TEST_F(SystemWorld, MakesTheFolderOfAFileForItsOwnerOnly) {
    EXPECT_FALSE(outside.write_file(folder / ".aws" / "f", "new"));
    struct stat about = {};
    ASSERT_EQ(::stat((folder / ".aws").c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 07777, 0700U);
}

TEST_F(SystemWorld, WritesWhereLinksLeadAndLeavesThem) {
    std::filesystem::create_directory(folder / "dotfiles");
    std::ofstream(folder / "dotfiles" / "keys") << "old";
    std::filesystem::create_symlink("dotfiles/keys", folder / "second");
    std::filesystem::create_symlink(folder / "second", folder / "first");
    EXPECT_FALSE(outside.write_file(folder / "first", "new"));
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "first"));
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "second"));
    EXPECT_EQ((*outside.read_file(folder / "dotfiles" / "keys", 100))->reveal(), "new");

    std::filesystem::create_symlink("dotfiles/none yet", folder / "dangling");
    EXPECT_FALSE(outside.write_file(folder / "dangling", "new"));
    EXPECT_TRUE(std::filesystem::is_regular_file(folder / "dotfiles" / "none yet"));
}

TEST_F(SystemWorld, TreatsBlankVariablesAsUnset) {
    ::setenv("COUNTERSIGN_TEST_BLANK", " \t", 1);
    EXPECT_TRUE(outside.env("COUNTERSIGN_TEST_BLANK"));
    EXPECT_FALSE(outside.setting("COUNTERSIGN_TEST_BLANK"));
    ::unsetenv("COUNTERSIGN_TEST_BLANK");
    EXPECT_FALSE(outside.env("COUNTERSIGN_TEST_BLANK"));
}

TEST_F(SystemWorld, DropsAlarmsThatWereCancelledSetAnewOrDestroyed) {
    int rung = 0;
    const auto ring = [&] { ++rung; };
    const auto set_anew = outside.make_alarm();
    set_anew->set(std::chrono::milliseconds(0), ring);
    set_anew->set(std::chrono::milliseconds(1), ring);
    const auto cancelled = outside.make_alarm();
    cancelled->set(std::chrono::milliseconds(0), ring);
    cancelled->cancel();
    outside.make_alarm()->set(std::chrono::milliseconds(0), ring);
    on.run_for(std::chrono::seconds(5));
    EXPECT_TRUE(on.stopped());
    EXPECT_EQ(rung, 1);
}

TEST(Secret, NeverPrints) {
    std::ostringstream out;
    out << secret("wJalrXUtnFEMI");
    EXPECT_EQ(out.str(), "[redacted]");
}

TEST(Secret, LeavesNothingBehindWhenItIsMoved) {
    secret from("short");
    const secret to(std::move(from));
    EXPECT_EQ(to.reveal(), "short");
    EXPECT_TRUE(from.empty()); // NOLINT(bugprone-use-after-move): that is the question
}

TEST(Text, MasksAKeyId) {
    EXPECT_EQ(masked("AKIAIOSFODNN7EXAMPLE"), "AKIA************MPLE");
    EXPECT_EQ(masked("short"), "*****");
}

TEST(Text, MakesForeignTextPrintable) {
    EXPECT_EQ(printable("a\r\nb\x7f\xc3\xa4"), "a??b???");
    EXPECT_EQ(printable("abcdef", 3), "abc...");
}

TEST(Text, SeesOnlyVisibleAsciiAsVisible) {
    EXPECT_TRUE(is_visible("!~"));
    for (const std::string_view bad : {"", "a b", "a\t", "a\n", "\x7f", "\xc3\xa4"})
        EXPECT_FALSE(is_visible(bad));
}

TEST_F(SystemWorld, TellsAFileFromItsSuccessors) {
    const auto file = folder / "token";
    EXPECT_FALSE(outside.mark(file));
    EXPECT_FALSE(outside.mark(folder)) << "a folder";
    std::ofstream(file) << "one";
    const auto first = outside.mark(file);
    ASSERT_TRUE(first);
    EXPECT_EQ(outside.mark(file), first);
    std::ofstream(file, std::ios::app) << "more";
    const auto longer = outside.mark(file);
    EXPECT_NE(longer, first);
    std::ofstream(folder / "next") << "onemore";
    std::filesystem::last_write_time(folder / "next", std::filesystem::last_write_time(file));
    std::filesystem::rename(folder / "next", file);
    EXPECT_NE(outside.mark(file), longer) << "another file in its place";
}

TEST_F(SystemWorld, FollowsALinkThatIsSwapped) {
    std::ofstream(folder / "a") << "token";
    std::ofstream(folder / "b") << "token";
    std::filesystem::create_symlink("a", folder / "link");
    const auto before = outside.mark(folder / "link");
    std::filesystem::create_symlink("b", folder / "next");
    std::filesystem::rename(folder / "next", folder / "link");
    EXPECT_NE(outside.mark(folder / "link"), before);
}

TEST_F(SystemWorld, HasNoMarkOfAPipe) {
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    EXPECT_FALSE(outside.mark(folder / "pipe"));
}

} // namespace world_test
} // namespace countersign::chain
