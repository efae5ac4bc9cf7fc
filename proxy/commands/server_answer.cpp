#include "proxy/commands/server_answer.hpp"

#include "proxy/http/service_error.hpp"
#include "signer/encode.hpp"

#include <boost/json.hpp>
#include <pugixml.hpp>

#include <array>
#include <optional>
#include <stdexcept>

namespace countersign::proxy {
namespace {

std::string_view without_head(std::string_view text) {
    if (!text.starts_with("HTTP/")) {
        return text;
    }
    for (const std::string_view end : {"\r\n\r\n", "\n\n"}) {
        if (const std::size_t at = text.find(end); at != std::string_view::npos) {
            return text.substr(at + end.size());
        }
    }
    return {};
}

// "The Canonical String for this request should have been\n'…'\n\nThe String-to-Sign should have been\n'…'"
void read_message(std::string_view message, server_answer& a) {
    constexpr std::string_view canonical_mark = "Canonical String for this request should have been";
    constexpr std::string_view string_mark = "String-to-Sign should have been";
    const std::size_t second = message.find(string_mark);
    if (const std::size_t first = message.find(canonical_mark); first != std::string_view::npos) {
        const std::size_t open = message.find('\'', first);
        const std::size_t close = message.rfind('\'', second); // npos: the last one there is
        if (open != std::string_view::npos && close != std::string_view::npos && close > open) {
            a.canonical_request = message.substr(open + 1, close - open - 1);
            a.canonical_request.erase(0, a.canonical_request.find_first_not_of('\n')); // SQS begins with one
        }
    }
    if (second != std::string_view::npos) {
        const std::size_t open = message.find('\'', second);
        const std::size_t close = open == std::string_view::npos ? open : message.find('\'', open + 1);
        if (close != std::string_view::npos) {
            a.string_to_sign = message.substr(open + 1, close - open - 1);
        }
    }
}

// "47 45 54 0a" → "GET\n". The bytes as the server had them, where XML might have changed line ends.
std::optional<std::string> read_bytes(std::string_view text) {
    std::string bytes;
    int high = -1;
    for (const char c : text) {
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
            continue;
        }
        const int digit = signer::hex_value(c);
        if (digit < 0) {
            return std::nullopt;
        }
        if (high >= 0) {
            bytes += static_cast<char>(high * 16 + digit);
        }
        high = high < 0 ? digit : -1;
    }
    return high < 0 && !bytes.empty() ? std::optional(bytes) : std::nullopt;
}

// Without its name space: <ns:Code> → Code.
std::string_view local_name(const pugi::xml_node& node) {
    const std::string_view name = node.name();
    const std::size_t colon = name.rfind(':');
    return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

std::string text_of(const pugi::xml_document& document, std::string_view name) {
    const pugi::xml_node found =
        document.find_node([&](const pugi::xml_node& node) { return local_name(node) == name; });
    return found.text().get();
}

void read_xml(std::string_view body, server_answer& a) {
    pugi::xml_document document;
    if (!document.load_buffer(body.data(), body.size(), pugi::parse_default, pugi::encoding_utf8)) {
        throw std::runtime_error("the server's answer is not whole XML");
    }
    a.canonical_request = read_bytes(text_of(document, "CanonicalRequestBytes")).value_or("");
    if (a.canonical_request.empty()) {
        a.canonical_request = text_of(document, "CanonicalRequest");
    }
    a.string_to_sign = read_bytes(text_of(document, "StringToSignBytes")).value_or("");
    if (a.string_to_sign.empty()) {
        a.string_to_sign = text_of(document, "StringToSign");
    }
    if (a.canonical_request.empty() && a.string_to_sign.empty()) {
        read_message(text_of(document, "Message"), a);
    }
}

void read_json(std::string_view body, server_answer& a) {
    boost::system::error_code broken;
    const boost::json::value parsed = boost::json::parse(body, broken);
    if (broken || !parsed.is_object()) {
        throw std::runtime_error("the server's answer is not whole JSON");
    }
    constexpr std::array<std::string_view, 3> names{"message", "Message", "errorMessage"};
    for (const std::string_view name : names) {
        const boost::json::value* const found = parsed.get_object().if_contains(name);
        if (found != nullptr && found->is_string() && a.canonical_request.empty()) {
            read_message(found->get_string(), a);
        }
    }
}

} // namespace

server_answer server_answer::parse(std::string_view text) {
    const std::string_view body = without_head(text);
    const std::size_t begin = body.find_first_not_of(" \t\r\n\xef\xbb\xbf");
    server_answer a;
    a.code = find_error_code("", "", body);
    if (begin == std::string_view::npos) {
        throw std::runtime_error("the server's answer is empty");
    }
    if (body[begin] == '<') {
        read_xml(body.substr(begin), a);
    } else if (body[begin] == '{') {
        read_json(body.substr(begin), a);
    } else {
        read_message(body, a);
    }
    if (a.canonical_request.empty() && a.string_to_sign.empty()) {
        throw std::runtime_error("the server's answer tells neither its canonical request nor its string to sign: "
                                 "there is nothing to compare");
    }
    return a;
}

} // namespace countersign::proxy
