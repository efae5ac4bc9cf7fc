#include "proxy/rules/repeatable.hpp"

#include "proxy/http/head.hpp"
#include "signer/encode.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace countersign::proxy {

namespace {

using std::string_view;
namespace json = boost::json;

constexpr std::size_t longest_body = 1 << 20; // looked at for a token

template <std::size_t N>
bool is_one_of(string_view text, const std::array<string_view, N>& list) noexcept {
    return std::any_of(list.begin(), list.end(), [text](string_view one) { return equal_ignoring_case(text, one); });
}

bool is_letter(char c) noexcept {
    const char lower = signer::to_lower(c);
    return lower >= 'a' && lower <= 'z';
}

// The next word off a name in any spelling: BatchGetItem → Batch; list-jobs, _list → list.
string_view take_word(string_view& name) noexcept {
    while (!name.empty() && !is_letter(name.front())) {
        name.remove_prefix(1);
    }
    std::size_t end = name.empty() ? 0 : 1;
    while (end < name.size() && name[end] >= 'a' && name[end] <= 'z') {
        ++end;
    }
    const string_view word = name.substr(0, end);
    name.remove_prefix(end);
    return word;
}

bool speaks_query(const action_source& r) noexcept {
    return r.service == "sqs" || r.traits.errors == signer::wire_protocol::query_xml ||
           r.traits.errors == signer::wire_protocol::ec2_xml;
}

// What stands in path and body is the customer's own and means nothing to us.
bool is_of_customers(const action_source& r) noexcept {
    constexpr std::array<string_view, 9> services{
        "aoss",
        "appsync",
        "aws-external-anthropic",
        "bedrock-mantle",
        "es",
        "execute-api",
        "iotdata",
        "lambda",
        "vpc-lattice-svcs"};
    constexpr std::array<string_view, 3> ends{"/invocations", "/invocations-response-stream", "/invoke"};
    return is_one_of(r.service, services) || r.path.starts_with("/model/") ||
           std::any_of(ends.begin(), ends.end(), [&](string_view end) { return r.path.ends_with(end); });
}

// POST paths that AWS's REST services and OpenSearch have for reading. In longer paths the last segment may be a
// name that somebody gave: there only words that nobody would give.
bool reads_by_path(const action_source& r) noexcept {
    const std::size_t slash = r.path.rfind('/');
    const string_view last = r.path.substr(slash == string_view::npos ? 0 : slash + 1);
    if (r.method != "POST" || r.traits.path == signer::path_rule::s3) {
        return false;
    }
    if (r.path.starts_with("/service/") && r.path.find("/operation/") != string_view::npos && !is_of_customers(r)) {
        return only_reads(last); // RPC
    }
    if (r.traits.errors != signer::wire_protocol::json) {
        return false;
    }
    if (r.service == "es" || r.service == "aoss") {
        return is_one_of(last, std::array<string_view, 4>{"_search", "_msearch", "_count", "_mget"});
    }
    if (is_of_customers(r)) {
        return false;
    }
    if (r.service == "aps") { // Prometheus
        return r.path.ends_with("/api/v1/query") || r.path.ends_with("/api/v1/query_range");
    }
    return slash == 0 ? only_reads(last)
                      : is_one_of(last, std::array<string_view, 4>{"list", "search", "get", "describe"});
}

// Client-Token, clientToken, ClientRequestToken, idempotency_token …
bool is_token_name(string_view name) noexcept {
    constexpr std::array<string_view, 8> names{
        "clienttoken",
        "clientrequesttoken",
        "clienttokenid",
        "creationtoken",
        "creatorrequestid",
        "idempotencykey",
        "idempotencytoken",
        "messagededuplicationid"};
    std::array<char, 24> plain;
    std::size_t size = 0;
    for (const char c : name) {
        if (c == '-' || c == '_') {
            continue;
        }
        if (size == plain.size()) {
            return false;
        }
        plain[size++] = signer::to_lower(c);
    }
    const string_view text{plain.data(), size};
    return std::find(names.begin(), names.end(), text) != names.end();
}

bool has_token_field(const action_source& r) noexcept {
    return std::any_of(r.fields.begin(), r.fields.end(), [](const field& f) {
        string_view name = f.name;
        for (const string_view front : {"x-", "amz-", "amzn-"}) {
            if (equal_ignoring_case(name.substr(0, front.size()), front)) {
                name.remove_prefix(front.size());
            }
        }
        return !f.stays_here && !f.value.empty() && is_token_name(name);
    });
}

bool has_token_parameter(string_view text) noexcept {
    while (!text.empty()) {
        const std::size_t end = text.find('&');
        const string_view pair = text.substr(0, end);
        text.remove_prefix(end == string_view::npos ? text.size() : end + 1);
        const std::size_t equals = pair.find('=');
        if (equals != string_view::npos && equals + 1 < pair.size() && is_token_name(pair.substr(0, equals))) {
            return true;
        }
    }
    return false;
}

bool has_token_member(const json::object& o) noexcept {
    return std::any_of(o.begin(), o.end(), [](const auto& member) {
        return is_token_name(string_view(member.key())) && member.value().is_string() &&
               !member.value().get_string().empty();
    });
}

// At the top, or in each entry of a batch (SQS).
bool has_token_in_json(string_view text) {
    boost::system::error_code broken;
    const json::value parsed = json::parse(json::string_view(text.data(), text.size()), broken);
    if (broken || !parsed.is_object()) {
        return false;
    }
    if (has_token_member(parsed.get_object())) {
        return true;
    }
    const json::value* const entries = parsed.get_object().if_contains("Entries");
    if (entries == nullptr || !entries->is_array() || entries->get_array().empty()) {
        return false;
    }
    const json::array& all = entries->get_array();
    return std::all_of(all.begin(), all.end(), [](const json::value& entry) {
        return entry.is_object() && has_token_member(entry.get_object());
    });
}

bool has_token(const action_source& r) {
    if (has_token_field(r)) {
        return true;
    }
    if (is_of_customers(r)) {
        return false;
    }
    if (has_token_parameter(r.query)) {
        return true;
    }
    if (!r.body || r.body->empty() || r.body->size() > longest_body) {
        return false;
    }
    const std::size_t begin = r.body->find_first_not_of(" \t\r\n");
    const bool is_json = begin != string_view::npos && (*r.body)[begin] == '{';
    return is_json ? has_token_in_json(*r.body) : speaks_query(r) && has_token_parameter(*r.body);
}

// The method says what is meant, and nothing in the request says something else.
bool is_plain(const action_source& r) noexcept {
    return !overrides_method(r.fields) && (r.query.empty() || !speaks_query(r));
}

} // namespace

bool is_idempotent(string_view method) noexcept {
    constexpr std::array<string_view, 6> methods{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
    return std::find(methods.begin(), methods.end(), method) != methods.end();
}

bool only_reads(string_view operation) noexcept {
    constexpr std::array<string_view, 9> words{
        "describe", "filter", "get", "head", "list", "lookup", "query", "scan", "search"};
    if (operation == "GetActivityTask") { // hands a task out, to whoever asks
        return false;
    }
    const string_view word = take_word(operation);
    const bool is_of_many = is_one_of(word, std::array<string_view, 2>{"batch", "transact"});
    return is_one_of(is_of_many ? take_word(operation) : word, words);
}

bool is_repeatable(const action_source& r) {
    if (has_token(r)) {
        return true;
    }
    if (const auto operation = action_of(r)) {
        return only_reads(*operation) && !overrides_method(r.fields);
    }
    if (is_idempotent(r.method)) {
        return is_plain(r);
    }
    return !overrides_method(r.fields) && reads_by_path(r);
}

} // namespace countersign::proxy
