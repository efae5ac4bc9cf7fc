#include "conf/route.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace countersign::conf {
namespace {

// `one_of_any` tells whether '?' of the glob may stand for a character of the text.
template <class OneOfAny>
bool matches(std::string_view glob, std::string_view text, OneOfAny one_of_any) noexcept {
    constexpr auto nowhere = std::string_view::npos;
    std::size_t g = 0;
    std::size_t t = 0;
    std::size_t after_star = nowhere; // where to go on when the last '*' takes one character more
    std::size_t taken = 0;            // where its run ends now
    while (t < text.size()) {
        if (g < glob.size() && glob[g] == '*') {
            after_star = ++g;
            taken = t;
        } else if (g < glob.size() && (glob[g] == '?' ? one_of_any(text[t]) : glob[g] == text[t])) {
            ++g;
            ++t;
        } else if (after_star != nowhere) {
            g = after_star;
            t = ++taken;
        } else {
            return false;
        }
    }
    while (g < glob.size() && glob[g] == '*') {
        ++g;
    }
    return g == glob.size();
}

} // namespace

bool glob_matches(std::string_view glob, std::string_view text) noexcept {
    return matches(glob, text, [](char) { return true; });
}

// The narrow glob read as a text whose '*' and '?' are letters of their own: only a '*' of the wide one can
// take in a
// '*', which may stand for nothing or for much, while '?' can take in '?'.
bool glob_covers(std::string_view wide, std::string_view narrow) noexcept {
    return matches(wide, narrow, [](char c) { return c != '*'; });
}

// Of the ends a[i…] and b[j…], the longest last: `below` is the row of a[i + 1…].
bool globs_meet(std::string_view a, std::string_view b) {
    std::vector<char> below(b.size() + 1, 0);
    std::vector<char> row(b.size() + 1);
    for (std::size_t i = a.size() + 1; i-- > 0;) {
        for (std::size_t j = b.size() + 1; j-- > 0;) {
            const bool a_ends = i == a.size();
            const bool b_ends = j == b.size();
            const bool star = (!a_ends && a[i] == '*') || (!b_ends && b[j] == '*');
            if (a_ends && b_ends) {
                row[j] = 1;
            } else if (star) { // it stands for nothing, or takes in what the other one has here
                row[j] = (!a_ends && below[j] != 0) || (!b_ends && row[j + 1] != 0);
            } else {
                const bool same = !a_ends && !b_ends && (a[i] == b[j] || a[i] == '?' || b[j] == '?');
                row[j] = same && below[j + 1] != 0;
            }
        }
        std::swap(below, row);
    }
    return below[0] != 0;
}

bool begins_with_segments(std::string_view path, std::string_view prefix) noexcept {
    return path.starts_with(prefix) &&
           (path.size() == prefix.size() || prefix.ends_with('/') || path[prefix.size()] == '/');
}

bool route_covers(const route& wide, const route& narrow) noexcept {
    const auto takes = [&](const std::string& method) {
        return std::find(wide.method.begin(), wide.method.end(), method) != wide.method.end();
    };
    const bool every_method = wide.method.empty() || (!narrow.method.empty() &&
                                                      std::all_of(narrow.method.begin(), narrow.method.end(), takes));
    return every_method && glob_covers(wide.host, narrow.host) &&
           (wide.path.empty() || begins_with_segments(narrow.path, wide.path));
}

} // namespace countersign::conf
