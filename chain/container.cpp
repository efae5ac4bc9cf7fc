// The container endpoint of ECS and EKS Pod Identity (AWS SDKs and Tools Reference Guide, "Container credential
// provider").
#include "chain/answer.hpp"
#include "chain/provider.hpp"
#include "chain/retry.hpp"
#include "chain/rfc3339.hpp"
#include "chain/service_reply.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>

#include <optional>

namespace countersign::chain {

namespace {

constexpr const char* relative_uri = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
constexpr const char* full_uri = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
constexpr const char* token_file = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
constexpr const char* token_variable = "AWS_CONTAINER_AUTHORIZATION_TOKEN";

// Plain http carries a token and brings back keys: only to this machine, or to the agents' own link-local
// addresses.
bool is_container_address(const boost::asio::ip::address& a) {
    using boost::asio::ip::make_address;
    return a.is_loopback() || a == make_address("169.254.170.2") || a == make_address("169.254.170.23") ||
           a == make_address("fd00:ec2::23");
}

class container_provider final : public provider {
public:
    std::string_view name() const noexcept override { return "container"; }
    sight look(const world& outside) const override;
    task<answer> fetch(world& outside) override;
};

struct question {
    std::string_view variable;
    http_ask ask;
};

// None: neither variable is set.
result<std::optional<question>> question_in(const world& outside) {
    question q;
    if (const auto relative = outside.setting(relative_uri)) {
        if (!relative->starts_with('/')) {
            return failure{fmt::format("{} does not start with /", relative_uri)};
        }
        q.variable = relative_uri;
        q.ask.url = "http://169.254.170.2" + *relative;
    } else if (auto full = outside.setting(full_uri)) {
        q.variable = full_uri;
        q.ask.url = *std::move(full);
    } else {
        return std::optional<question>{};
    }
    const auto url = read_url(q.ask.url);
    if (!url) {
        return failure{fmt::format("{}: {}", q.variable, url.error().detail)};
    }
    if (!url->tls) {
        q.ask.may_dial = is_container_address;
    }
    q.ask.fields.push_back({"Accept", secret("application/json")});
    return std::optional<question>{std::move(q)};
}

// Read anew for every request: EKS replaces the file. A line end in it is refused, never trimmed away: nobody
// can say what it was meant to become in a header.
result<secret> authorization_in(const world& outside) {
    secret token;
    std::string_view origin = token_variable;
    if (const auto file = outside.setting(token_file)) {
        origin = token_file;
        auto text = outside.read_file(*file, longest_token_file);
        if (!text) {
            return text.error();
        }
        if (!*text) {
            return failure{fmt::format("{}: no such file: {}", token_file, printable(*file, 300))};
        }
        token = **std::move(text);
        if (const auto encoding = foreign_encoding(token.reveal()); !encoding.empty()) {
            return failure{in_wrong_encoding(fmt::format("{}: the file", token_file), encoding)};
        }
        if (token.empty()) {
            return failure{fmt::format("{}: the file is empty", token_file)};
        }
    } else if (const auto value = outside.setting(token_variable)) {
        token = secret(*value);
    }
    // A scheme in front ("Bearer x") has a blank, so blanks inside are fine.
    const auto text = token.reveal();
    if (trimmed(text) != text || std::any_of(text.begin(), text.end(), [](char c) { return c < ' ' || c >= 0x7f; })) {
        return failure{fmt::format("the token of {} has blanks around it, control or non-ASCII characters", origin)};
    }
    return token;
}

result<credentials> judge(const http_result& reply, const world& outside) {
    if (!reply) {
        return failure{reply.error().detail};
    }
    if (reply->status != 200) {
        const auto told = read_answer(reply->body.reveal(), "container");
        return failure{fmt::format(
            "the endpoint answered with status {}{}",
            reply->status,
            !told && !told.error().retryable && reply->status >= 400 ? ": " + told.error().detail : ""
        )};
    }
    auto keys = read_answer(reply->body.reveal(), "container");
    if (keys && keys->expired_at(outside.now())) {
        return failure{"the endpoint hands out credentials that expired at " + write_rfc3339(*keys->expiration)};
    }
    return keys;
}

// A container without its agent is ill, so a refused connection is worth another try; so is a 200 that is no JSON.
repetition repetition_of(const http_result& reply, const failure& why) {
    if (!reply && reply.error().stage == http_stage::connect) {
        return repetition::soon;
    }
    if (reply && reply->status == 200) {
        return why.retryable ? repetition::soon : repetition::none;
    }
    return repetition_after_local(reply, reply ? error_in(*reply).code : "");
}

// Of 200 ms growing: an agent that starts is not there at once.
std::chrono::milliseconds pause_of(unsigned attempt, repetition how, double u01) {
    return how == repetition::slowly ? pause_after(attempt, how, u01)
                                     : std::chrono::milliseconds(static_cast<int>(u01 * 200.0 * attempt));
}

// "http://169.254.170.2/***": the path may hold the id that opens it.
std::string place_of(std::string_view url) {
    const auto read = read_url(url);
    if (!read) {
        return "no URL that can be asked: " + read.error().detail;
    }
    return fmt::format("{}://{}/***", read->tls ? "https" : "http", printable(read->host_field, 200));
}

sight container_provider::look(const world& outside) const {
    sight s;
    const auto relative = outside.setting(relative_uri);
    const auto full = outside.setting(full_uri);
    s.configured = relative || full;
    if (!s.configured) {
        s.seen.push_back(fmt::format("{} and {} are not set", relative_uri, full_uri));
    }
    if (relative) {
        s.seen.push_back(fmt::format("{} is set: {}", relative_uri, place_of("http://169.254.170.2" + *relative)));
    }
    if (full) {
        s.seen.push_back(fmt::format("{} is set: {}", full_uri, relative ? "the other is stronger" : place_of(*full)));
    }
    const auto file = outside.setting(token_file);
    if (file) {
        s.seen.push_back(fmt::format("{} = {}", token_file, printable(*file, 300)));
    }
    if (outside.setting(token_variable)) {
        s.seen.push_back(fmt::format("{} is set{}", token_variable, file ? ": the file is stronger" : ""));
    }
    return s;
}

task<answer> container_provider::fetch(world& outside) {
    auto q = question_in(outside);
    if (!q) {
        co_return q.error();
    }
    if (!*q) {
        co_return not_mine{"no container endpoint is configured"};
    }
    http_ask& ask = (*q)->ask;
    for (unsigned attempt = 1;; ++attempt) {
        auto token = authorization_in(outside);
        if (!token) {
            co_return token.error();
        }
        ask.fields.resize(1);
        if (!token->empty()) {
            ask.fields.push_back({"Authorization", *std::move(token)});
        }
        const auto reply = co_await outside.http(ask);
        auto keys = judge(reply, outside);
        if (keys) {
            co_return *std::move(keys);
        }
        const auto again = repetition_of(reply, keys.error());
        if (again == repetition::none || attempt == most_attempts) {
            co_return failure{fmt::format("{}: {}", (*q)->variable, keys.error().detail), true};
        }
        co_await outside.pause(pause_told(reply, pause_of(attempt, again, outside.random()), outside.now()));
    }
}

} // namespace

std::unique_ptr<provider> container_source() {
    return std::make_unique<container_provider>();
}

} // namespace countersign::chain
