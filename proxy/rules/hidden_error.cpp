#include "proxy/rules/hidden_error.hpp"

#include <algorithm>

namespace countersign::proxy {

namespace {

using std::string_view;

bool has_parameter(string_view query, string_view name) noexcept {
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const string_view pair = query.substr(0, end);
        query.remove_prefix(end == string_view::npos ? query.size() : end + 1);
        if (pair.substr(0, pair.find('=')) == name) {
            return true;
        }
    }
    return false;
}

bool names_source(std::span<const field> fields) noexcept {
    return std::any_of(fields.begin(), fields.end(), [](const field& f) {
        return equal_ignoring_case(f.name, "x-amz-copy-source");
    });
}

// Takes `open` … `close` off the front, and says whether it was there. Where its end is not there yet all is taken.
bool skip_over(string_view& text, string_view open, string_view close) noexcept {
    if (!text.starts_with(open)) {
        return false;
    }
    const std::size_t end = text.find(close, open.size());
    text.remove_prefix(end == string_view::npos ? text.size() : end + close.size());
    return true;
}

} // namespace

bool may_hide_error(
    const answer& a, const plan& where, string_view method, string_view query, std::span<const field> fields
) noexcept {
    if (a.head.status != 200 || a.framing == answer_framing::none || where.traits.path != signer::path_rule::s3) {
        return false;
    }
    return method == "PUT" ? names_source(fields) : method == "POST" && has_parameter(query, "uploadId");
}

xml_root root_of(string_view body) noexcept {
    constexpr string_view blanks = " \t\r\n";
    constexpr string_view error = "<Error";
    constexpr string_view comment = "<!--";
    if (body.starts_with("\xEF\xBB\xBF")) {
        body.remove_prefix(3);
    }
    for (string_view rest = body;;) {
        rest.remove_prefix(std::min(rest.find_first_not_of(blanks), rest.size()));
        if (skip_over(rest, "<?", "?>") || skip_over(rest, comment, "-->")) {
            continue;
        }
        if (error.starts_with(rest) || comment.starts_with(rest)) {
            return xml_root::unknown; // nothing, or the beginning of either
        }
        const bool is_named_so = rest.starts_with(error) && (blanks.find(rest[error.size()]) != string_view::npos ||
                                                             rest[error.size()] == '>' || rest[error.size()] == '/');
        return is_named_so ? xml_root::error : xml_root::other;
    }
}

} // namespace countersign::proxy
