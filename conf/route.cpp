#include "conf/route.hpp"

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

const route* find_route(const std::vector<route>& routes, std::string_view host) noexcept {
    for (const route& r : routes) {
        if (glob_matches(r.host, host)) {
            return &r;
        }
    }
    return nullptr;
}

} // namespace countersign::conf
