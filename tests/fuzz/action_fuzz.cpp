// Query, target, path and body of any bytes: whenever an action is found, no server that reads one of the places by the
// book (or splits a bit more eagerly) finds another one there. The servers are written here anew.
#include "proxy/rules/action.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using countersign::proxy::field;

std::string decoded(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && std::isxdigit(static_cast<unsigned char>(text[i + 1])) &&
            std::isxdigit(static_cast<unsigned char>(text[i + 2]))) {
            out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

// Every value of a parameter Action.
std::vector<std::string> actions_in(const std::string& text, const std::string& separators) {
    std::vector<std::string> all;
    std::size_t begin = 0;
    while (begin <= text.size()) {
        const std::size_t end = std::min(text.find_first_of(separators, begin), text.size());
        const std::string pair = text.substr(begin, end - begin);
        const std::size_t equals = std::min(pair.find('='), pair.size());
        if (lower(decoded(pair.substr(0, equals))) == "action") {
            all.push_back(lower(decoded(equals < pair.size() ? pair.substr(equals + 1) : "")));
        }
        begin = end + 1;
    }
    return all;
}

void check(const std::string& found, const std::vector<std::string>& others) {
    for (const std::string& other : others) {
        if (other != lower(found)) {
            std::abort();
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const std::string text(reinterpret_cast<const char*>(bytes) + 2, size - 2);
    std::vector<std::string> parts(5); // query, body, target, path, content type; line by line
    for (std::size_t i = 0, n = 0; i < text.size(); ++i) {
        if (text[i] == '\n' && n < 4) {
            ++n;
        } else {
            parts[n] += text[i];
        }
    }
    const char* const services[] = {"iam", "sqs", "dynamodb", "ec2", "lambda", "s3"};
    const char* const service = services[bytes[0] % 6];
    std::vector<field> fields;
    const auto add = [&](std::string_view name, std::string_view value) {
        fields.push_back({name, value, countersign::proxy::identify(name), false});
    };
    if ((bytes[1] & 1) != 0) {
        add("X-Amz-Target", parts[2]);
    }
    if ((bytes[1] & 2) != 0) {
        add("Content-Type", parts[4]);
    }
    if ((bytes[1] & 4) != 0) {
        add("Smithy-Protocol", "rpc-v2-cbor");
    }
    const std::string path = (bytes[1] & 8) != 0 ? "/" + parts[3] : "/";
    const auto found = countersign::proxy::action_of(
        {service,
         countersign::signer::traits_of(service),
         (bytes[1] & 16) != 0 ? "GET" : "POST",
         path,
         parts[0],
         fields,
         parts[1]}
    );
    if (!found) {
        return 0;
    }
    const bool is_plain = !found->empty() && found->size() <= 128 &&
                          std::all_of(found->begin(), found->end(), [](unsigned char c) { return std::isalnum(c); });
    if (!is_plain || std::string_view(service) == "s3" || std::string_view(service) == "lambda") {
        std::abort();
    }
    for (const char* separators : {"&", "&;"}) {
        check(*found, actions_in(parts[0], separators));
        if (std::string_view(service) != "dynamodb") {
            check(*found, actions_in(parts[1], separators));
        }
    }
    if ((bytes[1] & 1) != 0) {
        const std::size_t dot = parts[2].rfind('.');
        check(*found, {lower(dot == std::string::npos ? parts[2] : parts[2].substr(dot + 1))});
    }
    if ((bytes[1] & 4) != 0) {
        check(*found, {lower(path.substr(path.rfind('/') + 1))});
    }
    return 0;
}
