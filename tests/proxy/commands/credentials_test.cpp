#include "proxy/commands.hpp"
#include "tests/support/temporary_folder.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

namespace countersign::proxy {
namespace credentials_test {

// The process's own environment, cleared of everything that the chain looks at, with a home folder of its
// own.
struct CredentialsCommand : testing::Test {
    CredentialsCommand() {
        std::filesystem::create_directories(home / ".aws");
        for (const auto* name :
             {"AWS_ACCESS_KEY_ID",
              "AWS_SECRET_ACCESS_KEY",
              "AWS_SESSION_TOKEN",
              "AWS_PROFILE",
              "AWS_DEFAULT_PROFILE",
              "AWS_CONFIG_FILE",
              "AWS_SHARED_CREDENTIALS_FILE",
              "AWS_REGION",
              "AWS_DEFAULT_REGION",
              "AWS_CONTAINER_CREDENTIALS_FULL_URI",
              "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
              "AWS_WEB_IDENTITY_TOKEN_FILE",
              "AWS_EC2_METADATA_SERVICE_ENDPOINT"})
            ::unsetenv(name);
        set("HOME", home.path().c_str());
        set("AWS_EC2_METADATA_DISABLED", "true");
    }

    static void set(const char* name, const char* value) { ::setenv(name, value, 1); }

    int run(credentials_arguments a) {
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        const int status = run_credentials(a);
        out = testing::internal::GetCapturedStdout();
        err = testing::internal::GetCapturedStderr();
        return status;
    }
    int run(std::string output) {
        credentials_arguments a;
        a.output = std::move(output);
        return run(a);
    }

    temporary_folder home;
    std::string out, err;
};

TEST_F(CredentialsCommand, PrintsTheFormOfACredentialProcess) {
    set("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
    set("AWS_SECRET_ACCESS_KEY", "S3cr3t/+\"");
    set("AWS_SESSION_TOKEN", "T0k3n");
    EXPECT_EQ(run("json"), 0);
    const auto got = boost::json::parse(out).as_object();
    EXPECT_EQ(got.at("Version"), 1);
    EXPECT_EQ(got.at("AccessKeyId"), "AKIAIOSFODNN7EXAMPLE");
    EXPECT_EQ(got.at("SecretAccessKey"), "S3cr3t/+\"");
    EXPECT_EQ(got.at("SessionToken"), "T0k3n");
    EXPECT_EQ(got.at("Provider"), "environment");
    EXPECT_FALSE(got.contains("Expiration"));
    EXPECT_EQ(err, "");
}

TEST_F(CredentialsCommand, ExplainsWithoutASecret) {
    set("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
    set("AWS_SECRET_ACCESS_KEY", "S3cr3t");
    set("AWS_SESSION_TOKEN", "T0k3n");
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/id-in-url");
    std::ofstream(home / ".aws/credentials") << "[default]\naws_access_key_id=AKIDFILE12345\n"
                                                "aws_secret_access_key=F1l3S3cr3t\nregion=eu-west-3\n";
    EXPECT_EQ(run("explain"), 0);
    std::size_t last = 0;
    for (const auto* source : {"command_line", "environment", "profile", "web_identity", "container", "imds"}) {
        const auto at = out.find(source, last);
        ASSERT_NE(at, std::string::npos) << source << "\n" << out;
        last = at;
    }
    for (const auto* expected :
         {"used",
          "hidden    by environment",
          "name the profile with --profile",
          "is set: http://127.0.0.1:1/***",
          "aws_access_key_id = AKID*****2345 (",
          "AKIA************MPLE",
          "eu-west-3",
          "hide the container's role",
          ".aws/credentials: read"})
        EXPECT_NE(out.find(expected), std::string::npos) << expected << "\n" << out;
    for (const auto* hidden : {"S3cr3t", "T0k3n", "F1l3", "AKIAIOSFODNN7EXAMPLE", "AKIDFILE12345", "id-in-url"})
        EXPECT_EQ(out.find(hidden), std::string::npos) << hidden << "\n" << out;
}

TEST_F(CredentialsCommand, FailsWithOneLineWhenThereAreNone) {
    for (const auto* output : {"json", "explain"}) {
        EXPECT_EQ(run(output), 1);
        EXPECT_TRUE(err.starts_with("countersign: no credentials found")) << err;
        EXPECT_EQ(std::count(err.begin(), err.end(), '\n'), 1);
    }
}

TEST_F(CredentialsCommand, NamesFileAndLineOfABrokenFile) {
    std::ofstream(home / ".aws/config") << "[default]\nnonsense\n";
    EXPECT_EQ(run("json"), 1);
    EXPECT_NE(err.find(".aws/config:2: "), std::string::npos) << err;
    EXPECT_EQ(out, "");
}

TEST_F(CredentialsCommand, RefusesAnUnknownOutput) {
    EXPECT_EQ(run("yaml"), 2);
}

} // namespace credentials_test
} // namespace countersign::proxy
