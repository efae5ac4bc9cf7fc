#include "signer/answer_time.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace countersign::signer {

namespace {

using std::string_view;
using namespace std::chrono_literals;
using std::chrono::seconds;

enum class told_by : std::uint8_t {
    host,        // a label of it begins so
    path,        // begins so
    end_of_path, // its last segment
    operation,   // of X-Amz-Target, or the last segment of an RPC path
    service,     // all of it
};

struct slow_row {
    string_view service;
    told_by by;
    string_view text;
    seconds limit;
};

constexpr seconds way = 15s; // connections, queues and clocks between here and there

// By signing name. Sources: the API references (Invoke, InvokeModel, StartSyncExecution, TestState, GetActivityTask,
// PollForDecisionTask, PollForTask, InvokeEndpoint, Query) and the quotas of the services.
constexpr slow_row slow_rows[]{
    {"aws-external-anthropic", told_by::path, "/v1/", 60min + way},
    {"bedrock", told_by::host, "bedrock-runtime", 60min + way}, // models are given 60 minutes
    {"bedrock", told_by::host, "bedrock-agent-runtime", 60min + way},
    {"bedrock", told_by::path, "/model/", 60min + way}, // where a route's upstream has another name
    {"bedrock-agentcore", told_by::end_of_path, "invocations", 15min + way},
    {"bedrock-mantle", told_by::path, "/", 60min + way},
    {"datapipeline", told_by::operation, "PollForTask", 90s + way},
    {"lambda", told_by::end_of_path, "invocations", 15min + way}, // and a cold start, which is not in the 15 minutes
    {"lambda", told_by::end_of_path, "response-streaming-invocations", 15min + way},
    {"lambda", told_by::host, "lambda-url", 15min + way},
    {"neptune-db", told_by::service, "", 120s + way}, // neptune_query_timeout
    {"neptune-graph", told_by::end_of_path, "queries", 60min + way},
    {"sagemaker", told_by::end_of_path, "invocations", 60s + way},
    {"sagemaker", told_by::end_of_path, "invocations-response-stream", 60s + way},
    {"states", told_by::operation, "GetActivityTask", 60s + way},
    {"states", told_by::operation, "StartSyncExecution", 5min + way},
    {"states", told_by::operation, "TestState", 5min + way},
    {"swf", told_by::operation, "PollForActivityTask", 60s + way},
    {"swf", told_by::operation, "PollForDecisionTask", 60s + way},
    {"timestream", told_by::operation, "Query", 60s + way},
};

bool has_label(string_view host, string_view begin) noexcept {
    for (std::size_t at = 0; at < host.size();) {
        if (host.substr(at).starts_with(begin)) {
            return true;
        }
        const std::size_t dot = host.find('.', at);
        at = dot == string_view::npos ? host.size() : dot + 1;
    }
    return false;
}

string_view behind_last(string_view text, char mark) noexcept {
    const std::size_t found = text.rfind(mark);
    return found == string_view::npos ? text : text.substr(found + 1);
}

bool holds(const slow_row& row, string_view host, string_view path, string_view target) noexcept {
    switch (row.by) {
    case told_by::host:
        return has_label(host, row.text);
    case told_by::path:
        return path.starts_with(row.text);
    case told_by::end_of_path:
        return behind_last(path, '/') == row.text;
    case told_by::operation:
        return behind_last(target, '.') == row.text || behind_last(path, '/') == row.text;
    case told_by::service:
        return true;
    }
    return false;
}

} // namespace

std::optional<seconds>
longest_answer(string_view service, string_view host, string_view path, string_view target) noexcept {
    const auto by_service = [](const slow_row& row, string_view wanted) { return row.service < wanted; };
    auto row = std::lower_bound(std::begin(slow_rows), std::end(slow_rows), service, by_service);
    for (; row != std::end(slow_rows) && row->service == service; ++row) {
        if (holds(*row, host, path, target)) {
            return row->limit;
        }
    }
    return std::nullopt;
}

} // namespace countersign::signer
