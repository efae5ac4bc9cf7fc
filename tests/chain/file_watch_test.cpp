#include "chain/file_watch.hpp"
#include "chain/refresh.hpp"
#include "tests/support/fake_world.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace countersign::chain {
namespace file_watch_test {

using namespace std::chrono_literals;
using tests::credential_json;
using tests::fake_world;

constexpr const char* keys_file = "/h/.aws/credentials";

std::string static_keys_text(const std::string& id) {
    return "[default]\naws_access_key_id = " + id + "\naws_secret_access_key = S\n";
}

// A refresher whose keys stand in the shared credentials file; a container endpoint waits behind it.
struct FileWatch : testing::Test {
    FileWatch() {
        outside.variables = {
            {"HOME", "/h"},
            {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/keys"},
            {"AWS_EC2_METADATA_DISABLED", "true"}};
        outside.files[keys_file] = static_keys_text("AKID1");
        outside.respond = [this](const http_ask&) -> http_result {
            return tests::reply(200, credential_json("AKIDCONTAINER", outside.time + 1h));
        };
    }
    ~FileWatch() override {
        if (subject)
            subject->stop();
        outside.settle();
    }
    void start() {
        subject.emplace(on, outside, chain_settings{}, [this](const snapshot& s) { told.push_back(s); });
        subject->start();
        outside.settle();
        ASSERT_EQ(told.size(), 1u);
        ASSERT_TRUE(told[0].current) << told[0].error;
    }
    std::string current() const { return told.back().current->access_key_id; }

    boost::asio::io_context on{1};
    fake_world outside{on};
    std::vector<snapshot> told;
    std::optional<refresher> subject;
};

TEST_F(FileWatch, LoadsNewKeysSecondsAfterTheFileWasWritten) {
    start();
    outside.advance(1min);
    EXPECT_EQ(told.size(), 1u) << "nothing has changed";
    outside.files[keys_file] = static_keys_text("AKID2");
    outside.advance(5s);
    EXPECT_EQ(current(), "AKID2");
    outside.advance(1min);
    EXPECT_EQ(told.size(), 2u) << "loaded once";
}

TEST_F(FileWatch, WaitsUntilNobodyWritesAnyMore) {
    start();
    const auto whole = static_keys_text("AKID2");
    for (std::size_t length = 10; length < whole.size(); length += 4) {
        outside.files[keys_file] = whole.substr(0, length);
        outside.advance(2s);
        EXPECT_EQ(told.size(), 1u) << length;
    }
    outside.files[keys_file] = whole;
    outside.advance(5s);
    EXPECT_EQ(told.size(), 2u);
    EXPECT_EQ(current(), "AKID2");
}

TEST_F(FileWatch, KeepsWorkingKeysWhileTheFileIsHalfWritten) {
    start();
    outside.files[keys_file] = "[default]\naws_access_key_id = AKID2\n";
    outside.advance(10min);
    EXPECT_EQ(current(), "AKID1");
    EXPECT_NE(told.back().error, "");
    outside.files[keys_file] = static_keys_text("AKID2");
    outside.advance(5s);
    EXPECT_EQ(current(), "AKID2");
    EXPECT_EQ(told.back().error, "");
}

TEST_F(FileWatch, KeepsAnIdentityWhoseSourceIsGone) {
    start();
    outside.files.erase(keys_file);
    outside.advance(1h);
    EXPECT_EQ(current(), "AKID1");
    EXPECT_NE(told.back().error.find("profile: gave credentials before and none now"), std::string::npos)
        << told.back().error;
    EXPECT_TRUE(outside.asked.empty()) << "the container's role is another identity";
}

TEST_F(FileWatch, LeavesASourceThatIsGoneWhenItsCredentialsHaveExpired) {
    outside.files[keys_file] = "[default]\ncredential_process = give-keys\n";
    outside.execute = [end = outside.time + 20min](const std::string&) -> result<command_reply> {
        command_reply r;
        r.output = secret(R"({"Version":1,)" + credential_json("AKIDPROCESS", end).substr(1));
        return r;
    };
    start();
    outside.files.erase(keys_file);
    outside.advance(19min);
    EXPECT_EQ(current(), "AKIDPROCESS");
    outside.advance(2min);
    EXPECT_EQ(current(), "AKIDCONTAINER");
    EXPECT_EQ(told.back().error, "");
}

TEST_F(FileWatch, LeavesAPipeToTheSource) {
    outside.files.clear();
    outside.variables["AWS_CONFIG_FILE"] = "/dev/fd/63";
    outside.pipes["/dev/fd/63"] = static_keys_text("AKIDPIPE");
    start();
    EXPECT_EQ(current(), "AKIDPIPE");
    outside.advance(1h); // looked for again, and found empty
    EXPECT_EQ(current(), "AKIDPIPE");
}

TEST_F(FileWatch, NoticesAFileThatAppears) {
    outside.files.clear();
    start();
    EXPECT_EQ(current(), "AKIDCONTAINER");
    outside.files["/h/.aws/config"] = static_keys_text("AKID2");
    outside.advance(5s);
    EXPECT_EQ(current(), "AKID2") << "the profile comes before the container";
}

TEST_F(FileWatch, NoticesWhatChangesDuringALoad) {
    start();
    outside.files[keys_file] = static_keys_text("AKID2");
    outside.advance(2s);
    subject->load_now(); // reads AKID2 between two looks
    outside.settle();
    outside.files[keys_file] = static_keys_text("AKID3");
    outside.advance(5s);
    EXPECT_EQ(current(), "AKID3");
}

TEST_F(FileWatch, KnowsEveryFileThatCredentialsComeFrom) {
    chain_settings settings;
    settings.secret_access_key_file = "/key";
    outside.files = {
        {"/c", "[default]\nrole_arn = arn:aws:iam::123456789012:role/r\nweb_identity_token_file = /profile-token\n"}};
    outside.variables = {
        {"AWS_CONFIG_FILE", "/c"},
        {"AWS_SHARED_CREDENTIALS_FILE", "/s"},
        {"AWS_WEB_IDENTITY_TOKEN_FILE", "/web-token"},
        {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/container-token"}};
    for (const auto* file : {"/c", "/s", "/key", "/profile-token", "/web-token", "/container-token"}) {
        file_watch watch{settings};
        watch.take(outside);
        EXPECT_FALSE(watch.changed(outside));
        outside.files[file] += "# more\n";
        EXPECT_FALSE(watch.changed(outside)) << file << ": it may still be written";
        EXPECT_TRUE(watch.changed(outside)) << file;
        watch.take(outside);
        EXPECT_FALSE(watch.changed(outside)) << file;
    }
}

} // namespace file_watch_test
} // namespace countersign::chain
