#include "conf/load.hpp"
#include "proxy/settings.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace countersign::proxy {
namespace settings_test {

using testing::ElementsAre;

// A configuration file for the length of a test.
class file {
public:
    explicit file(std::string_view text) : path_(folder_.write("c.toml", text)) {}
    serve_arguments arguments() const {
        serve_arguments a;
        a.config = path_;
        return a;
    }

private:
    temporary_folder folder_;
    std::filesystem::path path_;
};

constexpr std::string_view some_file = R"(
[listen]
address = "127.0.0.1:1000"
[credentials]
profile = "from-file"
region = "eu-west-1"
[log]
level = "warn"
format = "json"
)";

TEST(Settings, AreTheFilesWhereNothingElseIsSaid) {
    const file f(some_file);
    const conf::config c = load_settings(f.arguments());
    EXPECT_THAT(c.listen.address, ElementsAre(conf::endpoint{"127.0.0.1", 1000}));
    EXPECT_EQ(c.credentials.profile, "from-file");
    EXPECT_FALSE(c.credentials.profile_is_explicit);
    EXPECT_EQ(c.log.level, conf::log_level::warn);
    EXPECT_EQ(c.log.format, conf::log_format::json);
    EXPECT_TRUE(c.admin.address);
}

TEST(Settings, AreTheCommandLinesWhereItSaysThem) {
    const file f(some_file);
    serve_arguments a = f.arguments();
    a.listen = {"127.0.0.1:2000", "[::1]:2001"};
    a.admin = "127.0.0.1:2002";
    a.profile = "p";
    a.region = "r";
    a.access_key_id = "id";
    a.secret_access_key_file = "/file";
    a.log_level = "debug";
    a.log_format = "text";
    const conf::config c = load_settings(a);
    EXPECT_THAT(c.listen.address, ElementsAre(conf::endpoint{"127.0.0.1", 2000}, conf::endpoint{"::1", 2001}));
    EXPECT_EQ(c.admin.address, (conf::endpoint{"127.0.0.1", 2002}));
    EXPECT_EQ(c.credentials.profile, "p");
    EXPECT_TRUE(c.credentials.profile_is_explicit);
    EXPECT_EQ(c.credentials.region, "r");
    EXPECT_EQ(c.credentials.access_key_id, "id");
    EXPECT_EQ(c.credentials.secret_access_key_file, "/file");
    EXPECT_EQ(c.log.level, conf::log_level::debug);
    EXPECT_EQ(c.log.format, conf::log_format::text);
    a.admin = "off";
    EXPECT_FALSE(load_settings(a).admin.address);
}

// The environment is the process's: nothing else runs meanwhile.
class variable {
public:
    variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
    ~variable() { ::unsetenv(name_); }

private:
    const char* name_;
};

TEST(Settings, OfRetriesAreTheProfilesWhereFileAndEnvironmentAreSilent) {
    temporary_folder folder;
    const auto profiles = folder.write("config", "[profile p]\nmax_attempts = 7\nretry_mode = adaptive\n").string();
    const variable config{"AWS_CONFIG_FILE", profiles};
    const file silent("");
    serve_arguments a = silent.arguments();
    EXPECT_FALSE(load_settings(a).retry.max_attempts);
    a.profile = "p";
    conf::config c = load_settings(a);
    EXPECT_EQ(c.retry.max_attempts, 7u);
    EXPECT_EQ(c.retry.mode, conf::retry_mode::adaptive);
    EXPECT_EQ(c.origins["retry.max_attempts"], "profile p (" + profiles + ":2)");
    {
        const variable attempts{"AWS_MAX_ATTEMPTS", "4"};
        EXPECT_EQ(load_settings(a).retry.max_attempts, 4u);
    }
    const file speaks("[retry]\nmode = \"standard\"\nmax_attempts = 2\n");
    serve_arguments b = speaks.arguments();
    b.profile = "p";
    EXPECT_EQ(load_settings(b).retry.max_attempts, 2u);
    EXPECT_EQ(load_settings(b).retry.mode, conf::retry_mode::standard);
    folder.write("config", "[profile p]\nmax_attempts = many\n");
    try {
        load_settings(a);
        ADD_FAILURE() << "taken";
    } catch (const conf::error& e) {
        EXPECT_EQ(e.what(), "profile p (" + profiles + ":2): max_attempts: expected a whole number from 1 to 100");
    }
}

TEST(Settings, AreCheckedAsAWhole) {
    const file f(some_file);
    serve_arguments a = f.arguments();
    a.listen = {"0.0.0.0:2000"}; // not loopback, and allow_remote is not said
    EXPECT_THROW(load_settings(a), conf::error);
    a.listen = {"nonsense"};
    EXPECT_THROW(load_settings(a), conf::error);
    a.listen = {};
    a.config = "/there/is/no/such/file";
    EXPECT_THROW(load_settings(a), conf::error);
}

} // namespace settings_test
} // namespace countersign::proxy
