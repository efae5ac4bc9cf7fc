// deploy/countersign.toml shows every key with its default.
#include "conf/keys.hpp"
#include "conf/load.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace countersign::conf {
namespace example_test {

std::string example() {
    std::ifstream in(TESTS_FOLDER "/../deploy/countersign.toml");
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

// The example with "#key = value" made into "key = value", and "#[[route]]" into "[[route]]"; prose stays a
// comment.
std::string uncommented(const std::string& text) {
    std::istringstream lines(text);
    std::string out;
    for (std::string line; std::getline(lines, line);) {
        const bool is_key = line.size() > 1 && line[0] == '#' && line[1] != ' ' && line[1] != '#';
        out += (is_key ? line.substr(1) : line) + '\n';
    }
    return out;
}

TEST(Example, LoadsAsItStandsAndChangesNothing) {
    ASSERT_NE(example(), "");
    const config c = load(example(), "countersign.toml");
    const config defaults;
    EXPECT_EQ(c.listen.address, defaults.listen.address);
    EXPECT_TRUE(c.routes.empty());
}

TEST(Example, LoadsWithEveryLineTurnedOn) {
    const config c = load(uncommented(example()), "countersign.toml");
    EXPECT_FALSE(c.routes.empty());
}

TEST(Example, ShowsTheDefaults) {
    const config c = load(uncommented(example()), "countersign.toml");
    const config defaults;
    EXPECT_EQ(c.listen.address, defaults.listen.address);
    EXPECT_EQ(c.listen.workers, defaults.listen.workers);
    EXPECT_EQ(c.listen.max_connections, defaults.listen.max_connections);
    EXPECT_EQ(c.listen.header_timeout, defaults.listen.header_timeout);
    EXPECT_EQ(c.listen.body_timeout, defaults.listen.body_timeout);
    EXPECT_EQ(c.listen.idle_timeout, defaults.listen.idle_timeout);
    EXPECT_EQ(c.listen.drain_timeout, defaults.listen.drain_timeout);
    EXPECT_EQ(c.listen.allow_remote, defaults.listen.allow_remote);
    EXPECT_EQ(c.admin.address, defaults.admin.address);
    EXPECT_EQ(c.upstream.connect_timeout, defaults.upstream.connect_timeout);
    EXPECT_EQ(c.upstream.tls_timeout, defaults.upstream.tls_timeout);
    EXPECT_EQ(c.upstream.request_timeout, defaults.upstream.request_timeout);
    EXPECT_EQ(c.upstream.response_timeout, usual_response_timeout);
    EXPECT_EQ(c.upstream.idle_timeout, defaults.upstream.idle_timeout);
    EXPECT_EQ(c.upstream.max_idle_per_host, defaults.upstream.max_idle_per_host);
    EXPECT_EQ(c.payload.memory_limit, defaults.payload.memory_limit);
    EXPECT_EQ(c.payload.memory_total, defaults.payload.memory_total);
    EXPECT_EQ(c.retry.mode, defaults.retry.mode);
    EXPECT_EQ(c.retry.max_elapsed, defaults.retry.max_elapsed);
    EXPECT_EQ(c.retry.unknown_outcome, defaults.retry.unknown_outcome);
    EXPECT_EQ(c.policy.other, defaults.policy.other);
    EXPECT_EQ(c.log.level, defaults.log.level);
    EXPECT_EQ(c.log.format, defaults.log.format);
    EXPECT_EQ(c.log.access, defaults.log.access);
}

TEST(Example, HasEveryKey) {
    const std::string text = "\n" + uncommented(example());
    for (const std::string& full : key_names()) {
        const auto dot = full.rfind('.');
        const std::string table = full.substr(0, full.find('.'));
        const auto start = text.find(
            table == "route"      ? "\n[[route]]\n"
            : table == "client"   ? "\n[[client]]\n"
            : table == "identity" ? "\n[identity.audit]\n"
                                  : "\n[" + table + "]\n"
        );
        ASSERT_NE(start, std::string::npos) << table;
        const auto end = std::min(text.find("\n[", start + 1), text.size());
        const std::string body = text.substr(start, end - start);
        const bool is_there = body.find("\n" + full.substr(dot + 1) + " ") != std::string::npos;
        EXPECT_TRUE(is_there) << full;
    }
}

} // namespace example_test
} // namespace countersign::conf
