#include "proxy/sandbox/metadata.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

namespace countersign::proxy::sandbox {

namespace {

constexpr std::size_t most_tokens = 1000;
constexpr std::string_view instance_id = "i-00000000000sandbx";

answer plain(unsigned status, std::string_view text) {
    return text_answer(status, "text/plain", std::string(text));
}

answer as_json(const boost::json::object& body) {
    return text_answer(200, "application/json", boost::json::serialize(body));
}

boost::json::object key_fields(const identity& keys) {
    return {
        {"AccessKeyId", keys.access_key_id},
        {"SecretAccessKey", keys.secret_access_key},
        {"Token", keys.session_token},
        {"Expiration", iso_time(*keys.expires)},
    };
}

} // namespace

metadata::metadata(key_ring& keys, random_source random, std::chrono::seconds lifetime)
    : keys_(keys), random_(std::move(random)), lifetime_(lifetime) {}

std::optional<answer> metadata::respond(const request& ask, std::chrono::sys_seconds now) {
    if (ask.path == "/latest/api/token") {
        return issue_token(ask, now);
    }
    if (ask.path.starts_with("/latest/")) {
        return instance(ask, now);
    }
    if (ask.path.starts_with("/container/")) {
        return container(ask, now);
    }
    return std::nullopt;
}

answer metadata::issue_token(const request& ask, std::chrono::sys_seconds now) {
    if (ask.method != "PUT") {
        return plain(405, "Method Not Allowed\n");
    }
    // IMDSv2's guard against open proxies: whoever relays the request shows himself by this header.
    if (!ask.header("x-forwarded-for").empty()) {
        return plain(403, "Forbidden\n");
    }
    const std::string_view text = ask.header("x-aws-ec2-metadata-token-ttl-seconds");
    unsigned seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{} || end != text.data() + text.size() || seconds < 1 || seconds > 21600) {
        return plain(400, "Bad Request\n");
    }

    std::array<unsigned char, 20> bytes{};
    random_(bytes);
    token made{"sandbox-imds-", now + std::chrono::seconds(seconds)};
    for (const unsigned char b : bytes) {
        made.text += fmt::format("{:02x}", b);
    }
    if (tokens_.size() == most_tokens) {
        tokens_.pop_front();
    }
    tokens_.push_back(made);
    answer a = plain(200, made.text);
    a.headers.push_back({"X-aws-ec2-metadata-token-ttl-seconds", std::to_string(seconds)});
    return a;
}

answer metadata::instance(const request& ask, std::chrono::sys_seconds now) {
    if (ask.method != "GET" && ask.method != "HEAD") {
        return plain(405, "Method Not Allowed\n");
    }
    if (!knows(ask.header("x-aws-ec2-metadata-token"), now)) {
        return plain(401, "Unauthorized\n");
    }
    constexpr std::string_view credentials = "/latest/meta-data/iam/security-credentials/";
    const std::string_view path = ask.path;
    if (path == credentials || path == credentials.substr(0, credentials.size() - 1)) {
        return plain(200, metadata_role);
    }
    if (path.starts_with(credentials) && path.substr(credentials.size()) == metadata_role) {
        boost::json::object body{{"Code", "Success"}, {"LastUpdated", iso_time(now)}, {"Type", "AWS-HMAC"}};
        for (const auto& f : key_fields(role_keys("instance", now))) {
            body.emplace(f.key(), f.value());
        }
        return as_json(body);
    }
    if (path == "/latest/meta-data/placement/region") {
        return plain(200, "us-east-1");
    }
    if (path == "/latest/meta-data/placement/availability-zone") {
        return plain(200, "us-east-1a");
    }
    if (path == "/latest/meta-data/instance-id") {
        return plain(200, instance_id);
    }
    if (path == "/latest/dynamic/instance-identity/document") {
        return as_json({{"accountId", account_id}, {"instanceId", instance_id}, {"region", "us-east-1"}});
    }
    return plain(404, "Not Found\n");
}

answer metadata::container(const request& ask, std::chrono::sys_seconds now) {
    const bool guarded = ask.path == "/container/guarded-credentials";
    if (!guarded && ask.path != "/container/credentials") {
        return plain(404, "Not Found\n");
    }
    if (ask.method != "GET") {
        return plain(405, "Method Not Allowed\n");
    }
    const std::string_view authorization = ask.header("authorization");
    // The open endpoint takes a token as well, but not a wrong one: a client that sends rubbish wants to
    // know.
    if (authorization != container_token && (guarded || !authorization.empty())) {
        const boost::json::object body{
            {"code", "AccessDenied"}, {"message", "Authorization is not the token that GET /_sandbox/ names."}};
        return text_answer(403, "application/json", boost::json::serialize(body));
    }
    boost::json::object body = key_fields(role_keys("container", now));
    body.emplace("RoleArn", fmt::format("arn:aws:iam::{}:role/{}", account_id, metadata_role));
    body.emplace("AccountId", account_id);
    return as_json(body);
}

bool metadata::knows(std::string_view token_text, std::chrono::sys_seconds now) const noexcept {
    for (const token& t : tokens_) {
        if (t.text == token_text) {
            return now < t.expires;
        }
    }
    return false;
}

identity metadata::role_keys(std::string_view session, std::chrono::sys_seconds now) {
    std::string& last = session == "instance" ? instance_key_ : container_key_;
    const identity* held = keys_.find(last);
    if (held && *held->expires - now > lifetime_ / 2) {
        return *held;
    }
    const identity& made = keys_.issue(metadata_role, session, now + lifetime_);
    last = made.access_key_id;
    return made;
}

} // namespace countersign::proxy::sandbox
