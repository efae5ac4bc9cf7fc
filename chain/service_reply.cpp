#include "chain/service_reply.hpp"

#include "chain/retry.hpp"
#include "chain/secret_json.hpp"
#include "chain/text.hpp"

#include <boost/json/object.hpp>
#include <fmt/format.h>

namespace countersign::chain {

namespace {

// com.amazonaws.x#UnauthorizedException:http://… → UnauthorizedException
std::string_view bare(std::string_view code) {
    if (const auto hash = code.find('#'); hash != std::string_view::npos) {
        code.remove_prefix(hash + 1);
    }
    return code.substr(0, code.find(':'));
}

} // namespace

service_error error_in(const http_reply& reply) {
    service_error error;
    error.code = bare(reply.field("x-amzn-errortype"));
    const auto body = read_secret_json(reply.body.reveal(), "the answer");
    if (!body) {
        return error;
    }
    // Sign-in's reason is in "error"; the type beside it is always the same.
    for (const auto* name : {"error", "__type", "code", "Code"}) {
        if (const auto code = bare(text_in(*body, name)); !code.empty() && (error.code.empty() || name[0] == 'e')) {
            error.code = code;
        }
    }
    for (const auto* name : {"message", "Message", "error_description"}) {
        if (error.message.empty()) {
            error.message = text_in(*body, name);
        }
    }
    return error;
}

failure refusal_of(std::string_view call, const http_result& reply) {
    if (!reply) {
        return failure{
            fmt::format("{}: {}", call, reply.error().detail), repetition_after(reply, "") != repetition::none};
    }
    const auto error = error_in(*reply);
    return failure{
        fmt::format(
            "{}: status {}{}{}{}{}",
            call,
            reply->status,
            error.code.empty() ? "" : ", ",
            printable(error.code),
            error.message.empty() ? "" : ": ",
            printable(error.message, 200)
        ),
        repetition_after(reply, error.code) != repetition::none};
}

} // namespace countersign::chain
