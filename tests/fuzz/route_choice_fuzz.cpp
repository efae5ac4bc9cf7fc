// A path of any bytes: where fit_path is certain, a server that takes paths literally and one that tidies them up
// (decodes, resolves dots, merges slashes) agree with it. Both are written here anew.
#include "proxy/rules/route_choice.hpp"

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

struct decoded_char {
    char c;
    bool escaped;
};

std::vector<decoded_char> decoded(const std::string& text) {
    std::vector<decoded_char> out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && std::isxdigit(static_cast<unsigned char>(text[i + 1])) &&
            std::isxdigit(static_cast<unsigned char>(text[i + 2]))) {
            out.push_back({static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16)), true});
            i += 2;
        } else {
            out.push_back({text[i], false});
        }
    }
    return out;
}

// Segments; `eager`: escaped slashes and backslashes part them as well, dots are resolved, empty ones dropped.
std::vector<std::string> segments(const std::string& path, bool eager) {
    std::vector<std::string> all{""};
    bool is_first = true;
    for (const auto& [c, escaped] : decoded(path)) {
        const bool parts = (c == '/' && (eager || !escaped)) || (c == '\\' && eager);
        if (parts && is_first) {
            is_first = false; // the slash in front
        } else if (parts) {
            all.emplace_back();
        } else {
            // A slash that is none of the path's must not look like one.
            all.back() += c == '/' ? '\1' : c;
        }
        is_first = false;
    }
    if (!eager) {
        return all;
    }
    std::vector<std::string> tidy;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const std::string& s = all[i];
        if (s == ".." && !tidy.empty()) {
            tidy.pop_back();
        } else if (s != "." && s != ".." && (!s.empty() || i + 1 == all.size())) {
            tidy.push_back(s);
        }
    }
    return tidy;
}

// Prefix "/v1/a" or "/v1/a/".
bool begins(const std::vector<std::string>& path, bool with_slash) {
    const bool has = path.size() >= 2 && path[0] == "v1" && path[1] == "a";
    return has && (!with_slash || path.size() > 2);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace countersign::proxy;
    const std::string path = "/" + std::string(reinterpret_cast<const char*>(bytes), size);
    for (const bool with_slash : {false, true}) {
        const path_fit fit = fit_path(path, with_slash ? "/v1/a/" : "/v1/a", path_reading::uri);
        if (fit == path_fit::unclear) {
            continue;
        }
        const bool literal = begins(segments(path, false), with_slash);
        const bool tidied = begins(segments(path, true), with_slash);
        if (literal != (fit == path_fit::yes) || tidied != (fit == path_fit::yes)) {
            std::abort();
        }
    }
    return 0;
}
