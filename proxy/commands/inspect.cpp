// `countersign inspect`: a table of what a signature says, and sentences on what is wrong with it.
#include "proxy/commands/inspect.hpp"

#include "chain/text.hpp"
#include "proxy/commands/inspect_input.hpp"
#include "signer/date.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <utility>
#include <vector>

namespace countersign::proxy {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_input = 16 * 1024 * 1024;
constexpr std::size_t longest_sentence = 500;

void check(const inspect_arguments& a) {
    if (!a.time.empty() && !signer::parse_date(a.time)) {
        throw wrong_usage("--time is not of the form YYYYMMDDTHHMMSSZ");
    }
    if (a.output != "text" && a.output != "json") {
        throw wrong_usage("--output is either text or json");
    }
    if (a.canonical_request.empty() != a.server_answer.empty()) {
        throw wrong_usage("--canonical-request and --server-answer go together");
    }
    if (!a.server_answer.empty() && !a.subject.empty()) {
        throw wrong_usage("a comparison takes no URL");
    }
    if (a.canonical_request == "-" && a.server_answer == "-") {
        throw wrong_usage("one of --canonical-request and --server-answer may be standard input, not both");
    }
}

std::string expiry_text(const signer::inspection& found, std::chrono::sys_seconds now) {
    const std::string words = signer::validity(found, now);
    if (found.where == signer::placement::query && found.expires) {
        return fmt::format("{} s{}{}", found.expires->count(), words.empty() ? "" : ": ", words);
    }
    return words;
}

std::string token_text(const signer::inspection& found) {
    return found.token_size ? fmt::format("present ({} characters)", *found.token_size) : "none";
}

std::string joined_names(const std::vector<std::string>& names) {
    std::string all;
    for (const std::string& name : names) {
        all.append(all.empty() ? "" : ", ").append(name);
    }
    return all;
}

using fact = std::pair<std::string_view, std::string>;

std::vector<fact> rows_of(const signer::inspection& found, signer::exhibit kind, std::chrono::sys_seconds now) {
    const bool is_query = found.where == signer::placement::query;
    std::vector<fact> rows{
        {"algorithm",
         fmt::format("{}, {}", found.algorithm, is_query ? "in the query" : "in the Authorization header")},
        {"access key id", found.access_key_id},
        {"date", found.date},
        {is_query ? "expiry" : "validity", expiry_text(found, now)},
        {"scope: day", found.day},
    };
    if (found.is_multi_region()) {
        rows.push_back({"regions", found.region_set});
    } else {
        rows.push_back({"scope: region", found.region});
    }
    rows.push_back({"scope: service", found.service});
    rows.push_back({"scope: end", found.terminator});
    rows.push_back({"signed headers", joined_names(found.signed_headers)});
    if (kind != signer::exhibit::authorization) {
        rows.push_back({"session token", token_text(found)});
        rows.push_back({"payload", found.payload});
    }
    return rows;
}

void put_list(std::string_view title, const std::vector<std::string>& sentences, std::string& out) {
    if (!sentences.empty()) {
        out += fmt::format("\n{}:\n", title);
    }
    for (const std::string& sentence : sentences) {
        out += fmt::format("  {}\n", chain::printable(sentence, longest_sentence));
    }
}

std::string table_of(const signer::inspection& found, signer::exhibit kind, std::chrono::sys_seconds now) {
    std::string out;
    if (found.is_signed) {
        for (const auto& [name, value] : rows_of(found, kind, now)) {
            out += fmt::format("{:<16}{}\n", name, value.empty() ? "-" : chain::printable(value, longest_sentence));
        }
    }
    put_list("wrong", found.faults, out);
    put_list("note", found.notes, out);
    if (found.faults.empty()) {
        out += "\nnothing is wrong with what can be seen; whether the signature is right takes the secret to tell\n";
    }
    return out.starts_with('\n') ? out.substr(1) : out;
}

json::array printable_array(const std::vector<std::string>& sentences) {
    json::array all;
    for (const std::string& sentence : sentences) {
        all.emplace_back(chain::printable(sentence, longest_sentence));
    }
    return all;
}

json::value printable_or_null(const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(chain::printable(text, longest_sentence));
}

json::object object_of(const signer::inspection& found, std::chrono::sys_seconds now) {
    json::object out;
    out["signed"] = found.is_signed;
    if (found.is_signed) {
        out["placement"] = found.where == signer::placement::query ? "query" : "header";
        out["algorithm"] = printable_or_null(found.algorithm);
        out["access_key_id"] = printable_or_null(found.access_key_id);
        out["date"] = printable_or_null(found.date);
        out["expires"] = found.expires ? json::value(found.expires->count()) : json::value(nullptr);
        out["validity"] = printable_or_null(signer::validity(found, now));
        out["scope"] = json::object{
            {"day", printable_or_null(found.day)},
            {"region", printable_or_null(found.region)},
            {"service", printable_or_null(found.service)},
            {"terminator", printable_or_null(found.terminator)},
        };
        out["region_set"] = printable_or_null(found.region_set);
        out["signed_headers"] = printable_array(found.signed_headers);
        out["session_token"] = found.token_size.has_value();
        out["payload"] = printable_or_null(found.payload);
    }
    out["wrong"] = printable_array(found.faults);
    out["notes"] = printable_array(found.notes);
    return out;
}

std::string read_all(std::istream& from, std::string_view name) {
    std::string text(longest_input + 1, '\0');
    from.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(from.gcount()));
    if (text.size() > longest_input) {
        throw std::runtime_error(fmt::format("{} is longer than 16 MiB", name));
    }
    return text;
}

std::string read_file(const std::string& name) {
    if (name == "-") {
        return read_all(std::cin, "standard input");
    }
    std::ifstream file(name, std::ios::binary);
    if (!file) {
        throw std::runtime_error(fmt::format("{} cannot be read", name));
    }
    return read_all(file, name);
}

explanation explain(const inspect_arguments& a) {
    if (!a.server_answer.empty()) {
        return explain_mismatch(a, read_file(a.canonical_request), read_file(a.server_answer));
    }
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const bool is_given = !a.subject.empty() && a.subject != "-";
    return explain_signature(a, is_given ? a.subject : read_file("-"), now);
}

} // namespace

explanation explain_signature(const inspect_arguments& a, std::string_view subject, std::chrono::sys_seconds now) {
    check(a);
    const bool is_given = !a.subject.empty() && a.subject != "-";
    const inspect_input input = is_given ? inspect_input::read_url(subject) : inspect_input::read_any(subject);
    const signer::inspected_request seen = input.request();
    const std::chrono::sys_seconds when = a.time.empty() ? now : *signer::parse_date(a.time);
    signer::inspection found = signer::inspect(seen, when);
    found.faults.insert(found.faults.begin(), input.faults().begin(), input.faults().end());
    explanation e;
    e.text = a.output == "json" ? json::serialize(object_of(found, when)) + "\n" : table_of(found, seen.kind, when);
    e.status = found.faults.empty() ? 0 : 1;
    return e;
}

int run_inspect(const inspect_arguments& a) {
    return exit_status_of("inspect", [&] {
        check(a);
        const explanation e = explain(a);
        std::cout << e.text << std::flush;
        if (!std::cout) {
            throw std::runtime_error("standard output cannot be written");
        }
        return e.status;
    });
}

} // namespace countersign::proxy
