#include "conf/keys.hpp"
#include "conf/load.hpp"
#include "conf/show.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace countersign::conf {
namespace show_test {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view everything = R"(
[listen]
address = ["127.0.0.1:9001", "[::1]:9001"]
workers = 3
header_timeout = "1500ms"
allow_origin = ["https://a\"b\\c"]
[admin]
address = "off"
[credentials]
profile = "dev ü"
region = "eu-west-1"
access_key_id = "AKIDEXAMPLE"
secret_access_key_file = "/run/secret"
[upstream]
ca_file = "/etc/ca.pem"
[retry]
mode = "off"
max_attempts = 5
[policy]
other_hosts = "pass"
allow = [
  "*.s3.amazonaws.com",
  {service = "dynamodb", action = "dynamodb:Get*", region = "eu-*", host = "*", method = "POST"}
]
deny = [{action = "deleteuser"}]
dry_run = true
[log]
level = "warn"
format = "json"
[[client]]
access_key_id = "AKIADUMMYTENANTONE00"
secret_access_key_file = "/s"
identity = "audit"
[identity.audit]
profile = "p"
role_arn = "arn:aws:iam::123456789012:role/audit"
external_id = "x"
role_session_name = "me"
duration_seconds = 900
session_policy = '{"Version":"2012-10-17","Statement":[]}'
tags = {team = "a b"}
[[route]]
name = "n"
identity = "audit"
host = "a.example"
path = "/v1"
method = ["GET"]
upstream = "http://[::1]:9200"
scheme = "http"
service = "es"
region = "eu-west-1"
sign = "query"
payload = "unsigned"
max_attempts = 2
retry_mode = "standard"
connect_timeout = "1s"
request_timeout = "2s"
response_timeout = "3s"
idle_timeout = "4s"
rate_limit = "5/m"
rate_limit_wait = "2s"
add_headers = {"X-A" = "a \"quoted\" one"}
remove_headers = ["x-b"]
sign_headers = ["x-c"]
unsigned_headers = ["range"]
[[route]]
host = "*"
connect = "127.0.0.1:9000"
)";

// Without the comments that say where a value stood.
std::string bare(const std::string& text) {
    std::istringstream in(text);
    std::string out;
    for (std::string line; std::getline(in, line);)
        out += line.substr(0, line.rfind("  # ")) + '\n';
    return out;
}

TEST(Show, CanBeLoadedAgain) {
    const std::string first = show(load(everything, "f.toml"));
    EXPECT_EQ(bare(show(load(first, "f.toml"))), bare(first));
    const std::string defaults = show(load("", "f.toml"));
    EXPECT_EQ(bare(show(load(defaults, "f.toml"))), bare(defaults));
    EXPECT_THAT(
        first,
        HasSubstr("\nallow = [\"*.s3.amazonaws.com\", {host = \"*\", service = \"dynamodb\", region = "
                  "\"eu-*\", action = \"dynamodb:get*\", method = [\"POST\"]}]")
    );
}

TEST(Show, HasEveryKey) {
    const std::string text = show(load(everything, "f.toml"));
    for (const std::string& full : key_names()) {
        const auto dot = full.rfind('.');
        const std::string table = full.starts_with("identity") ? "identity.audit" : full.substr(0, dot);
        const std::string key = full.substr(dot + 1);
        const auto begin =
            text.find(table == "route" || table == "client" ? "\n[[" + table + "]]\n" : "\n[" + table + "]\n");
        ASSERT_NE(begin, std::string::npos) << table;
        EXPECT_THAT(text.substr(begin), HasSubstr("\n" + key + " = ")) << full;
    }
}

TEST(Show, SaysWhereAValueCameFrom) {
    const temporary_folder folder;
    const auto file = folder.write("c.toml", "[retry]\nmax_attempts = 5\n[[route]]\nhost = \"*\"\n");
    const config c = load_file(file, [](const std::string& name) -> std::optional<std::string> {
        return name == "AWS_CA_BUNDLE" ? std::optional<std::string>("/ca.pem") : std::nullopt;
    });
    const std::string text = show(c);
    EXPECT_THAT(text, HasSubstr("max_attempts = 5  # " + file.string() + ":2\n"));
    EXPECT_THAT(text, HasSubstr("host = \"*\"  # " + file.string() + ":4\n"));
    EXPECT_THAT(text, HasSubstr("ca_file = \"/ca.pem\"  # AWS_CA_BUNDLE\n"));
    EXPECT_THAT(text, HasSubstr("workers = 0  # default\n"));
    EXPECT_THAT(text, HasSubstr("sign = \"header\"  # default\n"));
    EXPECT_THAT(text, HasSubstr("# profile is not set\n"));
}

TEST(Show, LetsNoFileNameEndAComment) {
    config c = load("[listen]\nworkers = 1", "a\nworkers = 2 #");
    EXPECT_THAT(show(c), Not(HasSubstr("\nworkers = 2")));
}

} // namespace show_test
} // namespace countersign::conf
