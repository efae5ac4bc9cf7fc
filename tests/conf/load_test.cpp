#include "conf/load.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::conf {
namespace load_test {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

std::string refusal_of(std::string_view text) {
    try {
        load(text, "f.toml");
    } catch (const error& e) {
        return e.what();
    }
    return "accepted";
}

TEST(Load, GivesTheDefaultsForAnEmptyFile) {
    const config c = load("", "f.toml");
    EXPECT_EQ(c.source, "f.toml");
    EXPECT_EQ(c.listen.address, (std::vector<endpoint>{{"127.0.0.1", 8080}}));
    EXPECT_EQ(c.admin.address, (endpoint{"127.0.0.1", 8081}));
    EXPECT_EQ(c.payload.memory_limit, 1u << 20);
    EXPECT_EQ(c.policy.other, other_hosts::deny);
    EXPECT_TRUE(c.routes.empty());
}

TEST(Load, ReadsEveryTable) {
    const config c = load(
        R"(
        [listen]
        address = ["127.0.0.1:9001", "[::1]:9001"]
        workers = 3
        max_connections = 50
        header_timeout = "1s"
        body_timeout = "2s"
        idle_timeout = "3s"
        drain_timeout = "4s"
        allow_origin = "https://console.example.com"
        [admin]
        address = "off"
        [credentials]
        profile = "dev"
        region = "eu-west-1"
        access_key_id = "AKIDEXAMPLE"
        secret_access_key_file = "/run/secret"
        [upstream]
        ca_file = "/etc/ca.pem"
        connect_timeout = "1s"
        tls_timeout = "2s"
        request_timeout = "3s"
        response_timeout = "4s"
        idle_timeout = "5s"
        max_idle_per_host = 7
        [payload]
        memory_limit = "2MiB"
        memory_total = 8388608
        [retry]
        mode = "off"
        max_attempts = 5
        [policy]
        other_hosts = "pass"
        allow = ["*.S3.amazonaws.com", "sts.amazonaws.com"]
        [log]
        level = "debug"
        format = "json"
        access = false
    )",
        "f.toml"
    );
    EXPECT_EQ(c.listen.address, (std::vector<endpoint>{{"127.0.0.1", 9001}, {"::1", 9001}}));
    EXPECT_EQ(c.listen.workers, 3u);
    EXPECT_EQ(c.listen.max_connections, 50u);
    EXPECT_EQ(c.listen.header_timeout, 1s);
    EXPECT_EQ(c.listen.body_timeout, 2s);
    EXPECT_EQ(c.listen.idle_timeout, 3s);
    EXPECT_EQ(c.listen.drain_timeout, 4s);
    EXPECT_THAT(c.listen.allow_origin, testing::ElementsAre("https://console.example.com"));
    EXPECT_FALSE(c.admin.address);
    EXPECT_EQ(c.credentials.profile, "dev");
    EXPECT_FALSE(c.credentials.profile_is_explicit);
    EXPECT_EQ(c.credentials.region, "eu-west-1");
    EXPECT_EQ(c.credentials.access_key_id, "AKIDEXAMPLE");
    EXPECT_EQ(c.credentials.secret_access_key_file, "/run/secret");
    EXPECT_EQ(c.upstream.ca_file, "/etc/ca.pem");
    EXPECT_EQ(c.upstream.connect_timeout, 1s);
    EXPECT_EQ(c.upstream.tls_timeout, 2s);
    EXPECT_EQ(c.upstream.request_timeout, 3s);
    EXPECT_EQ(c.upstream.response_timeout, 4s);
    EXPECT_EQ(c.upstream.idle_timeout, 5s);
    EXPECT_EQ(c.upstream.max_idle_per_host, 7u);
    EXPECT_EQ(c.payload.memory_limit, 2u << 20);
    EXPECT_EQ(c.payload.memory_total, 8u << 20);
    EXPECT_EQ(c.retry.mode, retry_mode::off);
    EXPECT_EQ(c.retry.max_attempts, 5u);
    EXPECT_EQ(c.policy.other, other_hosts::pass);
    ASSERT_EQ(c.policy.allow.size(), 2u);
    EXPECT_EQ(c.policy.allow[0].host, "*.s3.amazonaws.com");
    EXPECT_EQ(c.policy.allow[1].host, "sts.amazonaws.com");
    EXPECT_EQ(c.log.level, log_level::debug);
    EXPECT_EQ(c.log.format, log_format::json);
    EXPECT_FALSE(c.log.access);
}

TEST(Load, ReadsRoutes) {
    const config c = load(
        R"([[route]]
host = "Search.Example.com"
upstream = "http://10.0.0.1:9200/"
service = "es"
region = "eu-west-1"
sign = "query"
payload = "unsigned"
max_attempts = 2

[[route]]
host = "*"
connect = "127.0.0.1:9000"
scheme = "http"
)",
        "f.toml"
    );
    ASSERT_EQ(c.routes.size(), 2u);
    const route& first = c.routes[0];
    EXPECT_EQ(first.host, "search.example.com");
    EXPECT_EQ(first.upstream, (endpoint{"10.0.0.1", 9200}));
    EXPECT_EQ(first.upstream_scheme, scheme::http);
    EXPECT_EQ(first.service, "es");
    EXPECT_EQ(first.region, "eu-west-1");
    EXPECT_EQ(first.sign, sign_mode::query);
    EXPECT_EQ(first.payload, payload_mode::unsigned_body);
    EXPECT_EQ(first.max_attempts, 2u);
    EXPECT_EQ(first.line, 1);
    const route& second = c.routes[1];
    EXPECT_EQ(second.connect, (endpoint{"127.0.0.1", 9000}));
    EXPECT_EQ(second.scheme, scheme::http);
    EXPECT_EQ(second.sign, sign_mode::header);
    EXPECT_EQ(second.line, 10);
}

TEST(Load, TakesARegionOrASetOfThem) {
    const auto region = [](const std::string& text) {
        return load("[[route]]\nhost=\"*\"\nservice=\"s3\"\nregion=" + text, "f.toml").routes[0].region;
    };
    EXPECT_EQ(region("\"eu-west-1\""), "eu-west-1");
    EXPECT_EQ(region("\"*\""), "*");
    EXPECT_EQ(region("\"us-east-1,eu-*\""), "us-east-1,eu-*");
    EXPECT_EQ(region("[\"us-east-1\", \"eu-*\"]"), "us-east-1,eu-*");
    for (const char* text :
         {"\"\"", "\"us-east-1,\"", "\",\"", "\"us east\"", "\"US-EAST-1\"", "[\"a\", \"b,,c\"]", "[]"}) {
        EXPECT_THAT(refusal_of(std::string("[[route]]\nhost=\"*\"\nregion=") + text), HasSubstr("f.toml:3: ")) << text;
    }
}

TEST(Load, FillsInTheUpstreamsPort) {
    const auto upstream = [](const std::string& url) {
        return *load("[[route]]\nhost=\"*\"\nupstream=\"" + url + "\"", "f.toml").routes[0].upstream;
    };
    EXPECT_EQ(upstream("https://a.example.com"), (endpoint{"a.example.com", 443}));
    EXPECT_EQ(upstream("http://a.example.com"), (endpoint{"a.example.com", 80}));
    EXPECT_EQ(upstream("https://[::1]"), (endpoint{"::1", 443}));
    EXPECT_EQ(upstream("https://[::1]:8443/"), (endpoint{"::1", 8443}));
}

TEST(Load, NamesTheLineAndTheNearestKey) {
    EXPECT_EQ(
        refusal_of("[listen]\n\nadress = \"127.0.0.1:1\""),
        "f.toml:3: unknown key listen.adress; did you mean listen.address?"
    );
    EXPECT_EQ(refusal_of("[listn]\n"), "f.toml:1: unknown key listn; did you mean listen?");
    EXPECT_EQ(refusal_of("workers = 1"), "f.toml:1: unknown key workers; did you mean listen.workers?");
    EXPECT_EQ(refusal_of("[zzzzzzz]"), "f.toml:1: unknown key zzzzzzz");
    EXPECT_EQ(
        refusal_of("[[route]]\nhost = \"*\"\nservce = \"s3\""),
        "f.toml:3: unknown key route.servce; did you mean route.service?"
    );
}

TEST(Load, NamesTheLineOfASyntaxError) {
    EXPECT_THAT(refusal_of("[listen]\nworkers = = 3"), HasSubstr("f.toml:2: "));
}

TEST(Load, RefusesControlBytes) {
    using namespace std::string_view_literals;
    EXPECT_THAT(refusal_of("[log]\n[\0x]"sv), HasSubstr("f.toml:2: a control character"));
    EXPECT_THAT(refusal_of("#\x7f"), HasSubstr("f.toml:1: a control character"));
    EXPECT_EQ(refusal_of("[log]\r\n\tlevel = \"info\"\r\n"), "accepted");
}

TEST(Load, TakesOtherAlphabetsInTextsAndCommentsOnly) {
    EXPECT_EQ(refusal_of("[listen]\nworkers = 3 # '\xc3\xa4"), "accepted");
    EXPECT_EQ(refusal_of("\xef\xbb\xbf# \xc3\xa4\n[credentials]\nprofile = \"b\xc3\xbcro\" # \xc3\xa4"), "accepted");
    for (const char* text :
         {"[\xc3\xa4]",
          "\xc2\xa0[;]",
          "\"\" \xc3\xa4 = 1",
          "a = \"\\\"\" \xc3\xa4",
          "a = '\xc3\xa4",
          "a = 0'\xc3\xa4'",
          "'#}'=0\xef\xb7\xbf",
          "a.\"#\" = \xc3\xa4"}) {
        EXPECT_THAT(refusal_of(text), HasSubstr("f.toml:1: a character beyond ASCII")) << text;
    }
}

TEST(Load, SurvivesTheParsersOwnAssertions) {
    for (const char* text : {"a = [}", "[log]\nlevel = [}"}) {
        EXPECT_EQ(refusal_of(text), "f.toml: not a TOML document, and too far from one to say in which line");
    }
}

TEST(Load, TakesTextsOverSeveralLines) {
    for (const char* text :
         {"[credentials]\nprofile = '''x''' # why",
          "[credentials]\n  profile='''\nx\\''' # \xc3\xa4",
          "[credentials]\r\nprofile = '''\r\nx\\\r\n  \xc3\xa4 [;\"\"\" '''\r\n[log]",
          "# [a] = '''\n[log]",
          "  # \"\"\""}) {
        EXPECT_EQ(refusal_of(text), "accepted") << text;
    }
    const auto profile = [](const char* text) { return load(text, "f.toml").credentials.profile; };
    EXPECT_EQ(profile("[credentials]\nprofile = '''\nx\\''' # y"), "x\\");
    EXPECT_EQ(profile("[credentials]\nprofile = ''' a\n  b\n'''"), " a\n  b\n");
    EXPECT_EQ(profile("[credentials]\nprofile = ''''''"), "");
}

TEST(Load, RefusesTextsOverSeveralLinesThatItCanNotFollow) {
    EXPECT_THAT(
        refusal_of("\na = '''\nx\n\n"), HasSubstr("f.toml:2: the text between ''' and ''' that begins here has no end")
    );
    for (const char* text :
         {"a = ['''x''']",
          "'''a''' = 1",
          "a = {b = '''x'''}",
          "a = \"x\" # '''",
          "'''",
          "a = -'''x'''",
          "\"\"\"a = '''x'''"}) {
        EXPECT_THAT(refusal_of(text), HasSubstr("f.toml:1: ''' can stand only right behind key =")) << text;
    }
    for (const char* text : {"a = '''x''''", "a = '''x''' \xc3\xa4", "a = '''x''', 3"}) {
        EXPECT_THAT(refusal_of(text), HasSubstr("f.toml:1: only a comment may follow the ''' that ends a text"))
            << text;
    }
    EXPECT_THAT(refusal_of("a = '''\n\x01'''"), HasSubstr("f.toml:2: a control character"));
    EXPECT_THAT(
        refusal_of("a = \"\"\"x\"\"\""), HasSubstr("f.toml:1: a text over several lines stands between ''' and '''")
    );
}

TEST(Load, RefusesTableHeadersWithoutAName) {
    for (const char* text : {"[;x]", "[[;x]]", "[", "[[", "[.a]", "  [ ;]", "[\n]"}) {
        EXPECT_THAT(refusal_of(text), HasSubstr("f.toml:1: expected the name of a table")) << text;
    }
    EXPECT_EQ(refusal_of(" [ log ]\nlevel = \"info\""), "accepted");
}

struct wrong_value {
    const char* text;
    const char* part_of_message;
};

TEST(Load, RefusesWrongTypesAndValues) {
    for (const auto& [text, part] : std::initializer_list<wrong_value>{
             {"listen = 3", "listen is a table"},
             {"[listen]\nworkers = \"3\"", "listen.workers: expected a whole number, found a text"},
             {"[listen]\nworkers = 1.5", "found a number with a fraction"},
             {"[listen]\nworkers = -1", "-1 is not between 0 and 1024"},
             {"[listen]\naddress = 8080", "listen.address: expected a text in quotes, found a whole number"},
             {"[listen]\naddress = []", "names no address"},
             {"[listen]\naddress = [1]", "expected a text in quotes"},
             {"[listen]\nallow_remote = \"yes\"", "expected true or false"},
             {"[listen]\nheader_timeout = 5", "expected a text in quotes"},
             {"[listen]\nheader_timeout = \"0s\"", "longer than nothing"},
             {"[payload]\nmemory_limit = \"1 MiB\"", "expected a size"},
             {"[payload]\nmemory_limit = \"2GiB\"", "above payload.memory_total"},
             {"[retry]\nmode = \"always\"", "is none of \"standard\", \"adaptive\", \"off\""},
             {"[retry]\nmax_attempts = 0", "0 is not between 1 and 100"},
             {"[log]\nlevel = \"trace\"", "is none of \"debug\""},
             {"[policy]\nallow = [\"https://x\"]", "expected a host name"},
             {"[policy]\nother_hosts = \"allow\"", "is none of \"deny\", \"pass\""},
             {"route = 3", "routes are written as [[route]]"},
             {"[route]\nhost = \"*\"", "routes are written as [[route]]"},
             {"[[route]]\nservice = \"s3\"", "route.host is missing"},
             {"[[route]]\nhost = \"a:80\"", "expected a host name"},
             {"[[route]]\nhost = \"a.com.\"", "expected a host name"},
             {"[[route]]\nhost = \"\"", "empty"},
             {"[[route]]\nhost = \"*\"\nconnect = \"a:0\"", "port 0 cannot be dialled"},
             {"[[route]]\nhost = \"*\"\nscheme = \"ftp\"", "is none of \"https\", \"http\""},
             {"[[route]]\nhost = \"*\"\nservice = \"S3\"", "expected lower-case letters"},
             {"[[route]]\nhost = \"*\"\nservice = \"s3\\r\\n\"", "control character"},
             {"[[route]]\nhost = \"*\"\nupstream = \"a.com\"", "expected a URL"},
             {"[[route]]\nhost = \"*\"\nupstream = \"ftp://a.com\"", "expected a URL"},
             {"[[route]]\nhost = \"*\"\nupstream = \"https://a.com/x\"", "only scheme, host and port"},
             {"[[route]]\nhost = \"*\"\nupstream = \"https://a.com:99999\"", "host or port is not valid"},
             {"[[route]]\nhost = \"*\"\nupstream = \"https://a.com\"\nscheme = \"http\"", "contradicts"},
         }) {
        const std::string message = refusal_of(text);
        EXPECT_THAT(message, HasSubstr(part)) << text;
        EXPECT_THAT(message, HasSubstr("f.toml:")) << text;
    }
}

TEST(Load, SaysWhatComesLater) {
    for (const char* text :
         {"[upstream]\nproxy = \"http://p:3128\"",
          "[policy]\nconnect = \"tunnel\"",
          "[listen]\naddress = \"unix:/run/x.sock\""}) {
        EXPECT_THAT(refusal_of(text), HasSubstr("not available in this version")) << text;
    }
}

TEST(Load, RefusesCredentialsAndNeverRepeatsThem) {
    const std::string secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    for (const std::string key :
         {"[credentials]\nsecret_access_key",
          "[credentials]\nsession_token",
          "[credentials]\nsecret_access_key_file",
          "[credentials]\naccess_key_id",
          "[credentials]\naws_secret_access_key",
          "SecretAccessKey",
          "[listen]\naws-session-token",
          "[[route]]\nhost = \"*\"\nsecret_key",
          "[upstream]\nproxy_password"}) {
        const std::string message = refusal_of(key + " = \"" + secret + "\"");
        EXPECT_THAT(message, HasSubstr("~/.aws/credentials")) << key;
        EXPECT_THAT(message, Not(HasSubstr(secret))) << key;
    }
    EXPECT_THAT(
        refusal_of("[[route]]\nhost = \"*\"\nupstream = \"https://user:" + secret + "@a.com\""), Not(HasSubstr(secret))
    );
    EXPECT_THAT(refusal_of("[credentials]\nregion = \"" + secret + "x\""), Not(HasSubstr(secret)));
}

TEST(Load, RefusesRoutesThatAreNeverReached) {
    const std::string message =
        refusal_of("[[route]]\nhost = \"*.amazonaws.com\"\n[[route]]\nhost = \"sts.amazonaws.com\"\n");
    EXPECT_THAT(message, HasSubstr("f.toml:3: the route for host \"sts.amazonaws.com\" is never reached"));
    EXPECT_THAT(message, HasSubstr("in line 1"));
    EXPECT_EQ(
        refusal_of("[[route]]\nhost = \"a.*\"\n[[route]]\nhost = \"*.b\"\n[[route]]\nhost = \"*\"\n"), "accepted"
    );
}

TEST(Load, ListensForOtherMachinesOnlyWhenToldTo) {
    for (const char* address : {"0.0.0.0:80", "[::]:80", "10.0.0.1:80", "example.com:80", "128.0.0.1:80", "127.1:80"}) {
        const std::string line = std::string("address = \"") + address + "\"\n";
        EXPECT_THAT(refusal_of("[listen]\n" + line), HasSubstr("allow_remote = true")) << address;
        EXPECT_THAT(refusal_of("[admin]\n" + line), HasSubstr("allow_remote = true")) << address;
        EXPECT_EQ(refusal_of("[listen]\nallow_remote = true\n" + line), "accepted") << address;
    }
    for (const char* address : {"127.0.0.1:80", "127.9.9.9:80", "[::1]:80", "localhost:80", "[::ffff:127.0.0.1]:80"}) {
        EXPECT_EQ(refusal_of(std::string("[listen]\naddress = \"") + address + "\""), "accepted") << address;
    }
}

TEST(Load, RefusesTwoListenersOnOneAddress) {
    EXPECT_THAT(refusal_of("[listen]\naddress = \"127.0.0.1:8081\""), HasSubstr("named twice"));
    EXPECT_THAT(refusal_of("[listen]\naddress = [\"127.0.0.1:1\", \"127.0.0.1:1\"]"), HasSubstr("named twice"));
    EXPECT_EQ(refusal_of("[listen]\naddress = [\"127.0.0.1:0\", \"127.0.0.1:0\"]"), "accepted");
}

TEST(Load, WantsTheKeyAndItsFileTogether) {
    EXPECT_THAT(refusal_of("[credentials]\naccess_key_id = \"AKIDEXAMPLE\""), HasSubstr("given together"));
    EXPECT_THAT(refusal_of("[credentials]\nsecret_access_key_file = \"/x\""), HasSubstr("given together"));
}

class LoadFile : public testing::Test {
protected:
    LoadFile() { std::filesystem::create_directories(folder_ / "countersign"); }

    environment env() const {
        return [this](const std::string& name) -> std::optional<std::string> {
            const auto found = variables_.find(name);
            return found == variables_.end() ? std::nullopt : std::optional(found->second);
        };
    }

    temporary_folder folder_;
    std::map<std::string, std::string> variables_;
};

TEST_F(LoadFile, TakesTheFlagThenTheVariableThenTheUsualPlace) {
    const auto given = folder_.write("given.toml", "[listen]\nworkers = 1");
    const auto named = folder_.write("named.toml", "[listen]\nworkers = 2");
    folder_.write("countersign/countersign.toml", "[listen]\nworkers = 3");
    variables_["XDG_CONFIG_HOME"] = folder_.path().string();
    EXPECT_EQ(load_file(std::nullopt, env()).listen.workers, 3u);
    variables_["COUNTERSIGN_CONFIG"] = named.string();
    EXPECT_EQ(load_file(std::nullopt, env()).listen.workers, 2u);
    EXPECT_EQ(load_file(given, env()).listen.workers, 1u);
    EXPECT_EQ(load_file(given, env()).source, given.string());
}

TEST_F(LoadFile, NeedsNoFile) {
    variables_["HOME"] = folder_.path().string();
    if (std::filesystem::exists("/etc/countersign/countersign.toml")) {
        GTEST_SKIP() << "this machine has a configuration of its own";
    }
    EXPECT_EQ(load_file(std::nullopt, env()).source, "");
}

TEST_F(LoadFile, WantsANamedFileToExist) {
    EXPECT_THROW(load_file(folder_ / "missing.toml", env()), error);
    EXPECT_THROW(load_file(folder_, env()), error);
    variables_["COUNTERSIGN_CONFIG"] = (folder_ / "missing.toml").string();
    EXPECT_THROW(load_file(std::nullopt, env()), error);
}

TEST_F(LoadFile, RefusesAFileThatIsNoConfiguration) {
    EXPECT_THROW(load_file(folder_.write("large.toml", std::string((1 << 20) + 1, '#')), env()), error);
}

TEST_F(LoadFile, LetsTheEnvironmentSpeakWhereTheFileIsSilent) {
    const auto silent = folder_.write("silent.toml", "");
    const auto speaks =
        folder_.write("speaks.toml", "[retry]\nmode = \"off\"\nmax_attempts = 2\n[upstream]\nca_file = \"/a\"");
    variables_ = {{"AWS_RETRY_MODE", "standard"}, {"AWS_MAX_ATTEMPTS", "7"}, {"AWS_CA_BUNDLE", "/b"}};
    EXPECT_EQ(load_file(silent, env()).retry.max_attempts, 7u);
    EXPECT_EQ(load_file(silent, env()).upstream.ca_file, "/b");
    EXPECT_EQ(load_file(speaks, env()).retry.mode, retry_mode::off);
    EXPECT_EQ(load_file(speaks, env()).retry.max_attempts, 2u);
    EXPECT_EQ(load_file(speaks, env()).upstream.ca_file, "/a");
    variables_["AWS_RETRY_MODE"] = "adaptive";
    EXPECT_EQ(load_file(silent, env()).retry.mode, retry_mode::adaptive);
}

TEST_F(LoadFile, RefusesAWrongEnvironment) {
    const auto silent = folder_.write("silent.toml", "");
    variables_ = {{"AWS_RETRY_MODE", "off"}};
    EXPECT_THROW(load_file(silent, env()), error);
    for (const char* attempts : {"0", "x", "3x", "-1", "101"}) {
        variables_ = {{"AWS_MAX_ATTEMPTS", attempts}};
        EXPECT_THROW(load_file(silent, env()), error) << attempts;
    }
    variables_ = {{"AWS_MAX_ATTEMPTS", ""}};
    EXPECT_EQ(load_file(silent, env()).retry.max_attempts, std::nullopt);
}

TEST(Load, SaysThatAFileIsInUtf16) {
    using namespace std::string_view_literals;
    for (const auto text : {"\xff\xfe[\0l\0"sv, "\xfe\xff\0["sv, "[\0l\0o\0"sv, "\0[\0l"sv}) {
        try {
            load(text, "c.toml");
            ADD_FAILURE() << "taken";
        } catch (const error& e) {
            EXPECT_EQ(e.what(), std::string("c.toml:1: the file is UTF-16; a configuration is plain UTF-8"));
        }
    }
}

} // namespace load_test
} // namespace countersign::conf
