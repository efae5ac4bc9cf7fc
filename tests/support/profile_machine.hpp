// A machine with one config file, for the sources that only a profile can name. Everything goes through the profile
// source, as in the program.
#pragma once

#include "chain/profile_sources.hpp"
#include "chain/rfc3339.hpp"
#include "tests/support/fake_world.hpp"
#include "tests/support/run_task.hpp"

#include <gtest/gtest.h>

#include <string>

namespace countersign::chain {

struct profile_machine : testing::Test {
    profile_machine() {
        outside.time = read_rfc3339("2026-11-22T12:00:00Z").value();
        outside.variables = {{"HOME", "/h"}, {"AWS_REGION", "eu-west-1"}};
    }
    std::string& config() { return outside.files["/h/.aws/config"]; }
    answer fetch() { return tests::run_task(on, source->fetch(outside)); }
    credentials good() {
        auto a = fetch();
        if (const auto* wrong = std::get_if<failure>(&a))
            ADD_FAILURE() << wrong->detail;
        auto* c = std::get_if<credentials>(&a);
        return c ? *c : credentials{};
    }
    std::string wrong() {
        const auto a = fetch();
        const auto* broken = std::get_if<failure>(&a);
        EXPECT_TRUE(broken);
        return broken ? broken->detail : "";
    }
    std::string seen() const {
        std::string lines;
        for (const auto& line : source->look(outside).seen)
            lines += line + "\n";
        return lines;
    }

    boost::asio::io_context on{1};
    tests::fake_world outside{on};
    std::unique_ptr<provider> source = profile_source({});
};

} // namespace countersign::chain
