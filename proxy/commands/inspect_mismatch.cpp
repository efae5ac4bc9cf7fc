// `countersign inspect --canonical-request … --server-answer …`: the first difference and its likely cause.
#include "chain/text.hpp"
#include "proxy/commands/inspect.hpp"
#include "proxy/commands/server_answer.hpp"
#include "signer/date.hpp"
#include "signer/difference.hpp"
#include "signer/sha256.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace countersign::proxy {
namespace {

namespace json = boost::json;

struct our_texts {
    std::string canonical_request;
    std::string string_to_sign; // "" where only the canonical request was given
};

our_texts read_ours(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos) {
        throw std::runtime_error("our canonical request is empty");
    }
    our_texts ours;
    if (text[begin] != '{') {
        ours.canonical_request = text;
        return ours;
    }
    boost::system::error_code broken;
    const json::value parsed = json::parse(text, broken);
    const json::object* const object = broken ? nullptr : parsed.if_object();
    const json::value* const request = object != nullptr ? object->if_contains("canonical_request") : nullptr;
    if (request == nullptr || !request->is_string()) {
        throw std::runtime_error(
            "our side is neither a canonical request nor what `countersign sign --output json` writes"
        );
    }
    ours.canonical_request = request->get_string();
    if (const json::value* const string = object->if_contains("string_to_sign");
        string != nullptr && string->is_string()) {
        ours.string_to_sign = string->get_string();
    }
    return ours;
}

std::string hash_of(std::string_view canonical_request) {
    while (canonical_request.ends_with('\n')) {
        canonical_request.remove_suffix(1);
    }
    std::string hex(64, '\0');
    signer::write_hex(signer::sha256_of(canonical_request), hex.data());
    return hex;
}

// Where only our canonical request is known, the hash is all of our string to sign that can be compared.
std::optional<signer::difference> compare_hashes(const our_texts& ours, const server_answer& server) {
    const std::string mine = hash_of(ours.canonical_request);
    const std::string theirs = server.string_to_sign.substr(server.string_to_sign.rfind('\n') + 1);
    if (mine == theirs.substr(0, theirs.find_last_not_of("\r\n") + 1)) {
        return std::nullopt;
    }
    signer::difference d;
    d.line = signer::signed_line::request_hash;
    d.ours = mine;
    d.theirs = theirs;
    d.column = static_cast<std::size_t>(
                   std::mismatch(mine.begin(), mine.end(), theirs.begin(), theirs.end()).first - mine.begin()
               ) +
               1;
    d.cause = server.canonical_request.empty()
                  ? "the canonical requests differ; this answer tells the server's hash only, not its text"
                  : "the canonical requests differ, in bytes that cannot be seen here (line ends, control characters)";
    return d;
}

std::optional<signer::difference> first_difference(const our_texts& ours, const server_answer& server) {
    if (!server.canonical_request.empty()) {
        auto d = signer::compare_canonical_requests(ours.canonical_request, server.canonical_request);
        if (d) {
            return d;
        }
    }
    if (server.string_to_sign.empty()) {
        return std::nullopt;
    }
    return ours.string_to_sign.empty() ? compare_hashes(ours, server)
                                       : signer::compare_strings_to_sign(ours.string_to_sign, server.string_to_sign);
}

// Long values: some bytes around the place where they part.
std::string excerpt(const std::optional<std::string>& value, std::size_t column) {
    if (!value) {
        return "(not there)";
    }
    constexpr std::size_t before = 32;
    constexpr std::size_t length = 88;
    const std::size_t begin = column - 1 > before && value->size() > length ? column - 1 - before : 0;
    const std::string_view part = std::string_view(*value).substr(std::min(begin, value->size()), length);
    return fmt::format(
        "{}{}{}",
        begin > 0 ? "..." : "",
        chain::printable(part, length),
        begin + part.size() < value->size() ? "..." : ""
    );
}

std::string title_of(const signer::difference& d) {
    return d.name.empty() ? std::string(to_string(d.line))
                          : fmt::format("{} {}", to_string(d.line), chain::printable(d.name));
}

constexpr std::string_view equal_texts =
    "the secret access key is not that of the access key id, or the session token belongs to other keys";

// All that is left where the canonical requests are equal and we do not know our own string to sign.
std::string equal_cause(const our_texts& ours, const server_answer& server) {
    std::string cause = server.string_to_sign.empty() || ours.string_to_sign.empty()
                            ? fmt::format("{}; or day, region or service of the scope differ", equal_texts)
                            : std::string(equal_texts);
    if (ours.string_to_sign.empty() && !server.string_to_sign.empty()) {
        const std::size_t end = server.string_to_sign.rfind('\n');
        const std::string head = server.string_to_sign.substr(0, end);
        cause += fmt::format(": the server signs for {}", chain::printable(head.substr(head.rfind('\n') + 1)));
    }
    return cause;
}

std::string sentences_of(const std::optional<signer::difference>& d, const std::string& cause) {
    if (!d) {
        return fmt::format("all that can be compared is equal\nlikely cause    {}\n", cause);
    }
    std::string out = fmt::format("differs         {}\n", title_of(*d));
    if (d->ours || d->theirs) {
        out += fmt::format("ours            {}\n", excerpt(d->ours, d->column));
        out += fmt::format("the server's    {}\n", excerpt(d->theirs, d->column));
    }
    if (d->ours && d->theirs) {
        out += fmt::format("at column       {}\n", d->column);
    }
    return out + fmt::format("likely cause    {}\n", chain::printable(cause, 500));
}

json::value value_or_null(const std::optional<std::string>& value) {
    return value ? json::value(chain::printable(*value, 4096)) : json::value(nullptr);
}

json::object object_of(const std::optional<signer::difference>& d, const std::string& cause) {
    json::object out;
    out["equal"] = !d.has_value();
    if (d) {
        out["line"] = to_string(d->line);
        out["name"] = d->name.empty() ? json::value(nullptr) : json::value(chain::printable(d->name));
        out["ours"] = value_or_null(d->ours);
        out["theirs"] = value_or_null(d->theirs);
        out["column"] = d->ours && d->theirs ? json::value(d->column) : json::value(nullptr);
    }
    out["cause"] = chain::printable(cause, 500);
    return out;
}

} // namespace

explanation explain_mismatch(const inspect_arguments& a, std::string_view ours_text, std::string_view answer) {
    const our_texts ours = read_ours(ours_text);
    const server_answer server = server_answer::parse(answer);
    const auto d = first_difference(ours, server);
    const std::string cause = d ? d->cause : equal_cause(ours, server);
    explanation e;
    e.text = a.output == "json" ? json::serialize(object_of(d, cause)) + "\n" : sentences_of(d, cause);
    e.status = 1; // the server has refused the request, whatever the reason
    return e;
}

} // namespace countersign::proxy
