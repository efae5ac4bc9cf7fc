#include "conf/parsable.hpp"

#include "conf/value.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace countersign::conf {
namespace {

bool is_ascii(char c) {
    return static_cast<unsigned char>(c) < 0x80;
}

bool is_control(char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

bool may_begin_a_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-\"']").find(c) != std::string_view::npos;
}

// "[ name" and "[[name" are fine; "[;", "[[" and "[" alone are not. An array inside an array could look like
// a header, but no key takes one.
bool is_broken_header(std::string_view line) {
    const auto begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos || line[begin] != '[') {
        return false;
    }
    line.remove_prefix(begin);
    line.remove_prefix(line.starts_with("[[") ? 2 : 1);
    const auto name = line.find_first_not_of(" \t");
    return name == std::string_view::npos || !may_begin_a_name(line[name]);
}

// The end of the string that begins with the quote at `begin`; the line's end when it is not closed.
std::size_t end_of_string(std::string_view line, std::size_t begin) {
    const char quote = line[begin];
    for (std::size_t i = begin + 1; i < line.size(); ++i) {
        if (line[i] == '\\' && quote == '"') {
            ++i;
        } else if (line[i] == quote) {
            return i;
        }
    }
    return line.size();
}

struct split_line {
    std::string_view before_comment;
    std::string outside_of_strings; // before_comment with its strings taken out: a = "ß" # ß → a =
};

// A quote that is not closed, or stands inside a word (0x'ß'), begins no string.
split_line split(std::string_view line) {
    constexpr std::string_view in_front_of_strings = " \t=,.[{";
    std::string rest;
    std::size_t i = 0;
    for (; i < line.size() && line[i] != '#'; ++i) {
        const bool may_begin = i == 0 || in_front_of_strings.find(line[i - 1]) != std::string_view::npos;
        const bool is_quote = line[i] == '"' || line[i] == '\'';
        const std::size_t end = is_quote && may_begin ? end_of_string(line, i) : line.size();
        if (end < line.size()) {
            i = end;
        } else {
            rest += line[i];
        }
    }
    return {line.substr(0, i), std::move(rest)};
}

bool is_of_key(char c) {
    return c == ' ' || c == '\t' || c == '.' || may_begin_a_name(c);
}

// "key = ", "key = [ , ]" or, inside a list, " , ]": all that may stand around texts with characters beyond
// ASCII. Elsewhere what looks like a text here could still be part of a broken number to the parser: a = -"ß"
bool is_plain_assignment(std::string_view rest) {
    const auto equals = rest.find('=');
    const auto key = rest.substr(0, equals == std::string_view::npos ? 0 : equals);
    const auto after = equals == std::string_view::npos ? rest : rest.substr(equals + 1);
    return std::all_of(key.begin(), key.end(), is_of_key) && after.find_first_not_of(" \t[,]") == after.npos;
}

// "key = ", the key without quotes
bool is_front_of_assignment(std::string_view front) {
    const auto equals = front.find('=');
    const auto key = front.substr(0, equals);
    return equals != front.npos && front.find_first_not_of(" \t", equals + 1) == front.npos &&
           std::all_of(key.begin(), key.end(), is_of_key) && key.find_first_of("\"']") == key.npos;
}

constexpr std::string_view long_quote = "'''";

// Takes line after line, and knows whether it stands in a text between ''' and ''': there a line may hold
// anything but control characters.
class line_checker {
public:
    explicit line_checker(std::string_view file) : file_(file) {}

    void check(std::string_view line);
    void check_end() const;

private:
    void check_outside(std::string_view line) const;
    void open_long_text(std::string_view line, std::size_t begin);
    void find_end_of_long_text(std::string_view line);
    [[noreturn]] void fail(std::string_view problem) const { fail_at(file_, number_, problem); }

    std::string_view file_;
    int number_ = 0;
    int opened_in_ = 0; // the line where the text that is open begins; 0: none is
};

void line_checker::check(std::string_view line) {
    ++number_;
    if (std::any_of(line.begin(), line.end(), is_control)) {
        fail("a control character stands in this line; a configuration is plain text");
    }
    if (opened_in_ != 0) {
        find_end_of_long_text(line);
        return;
    }
    const auto first = line.find_first_not_of(" \t");
    const bool is_comment = first != line.npos && line[first] == '#';
    const std::size_t opens = is_comment ? line.npos : line.find(long_quote);
    if (opens != line.npos) {
        open_long_text(line, opens);
        return;
    }
    if (!is_comment && line.find("\"\"\"") != line.npos) {
        fail("a text over several lines stands between ''' and ''' here");
    }
    check_outside(line);
}

void line_checker::open_long_text(std::string_view line, std::size_t begin) {
    if (!is_front_of_assignment(line.substr(0, begin))) {
        fail("''' can stand only right behind key =");
    }
    opened_in_ = number_;
    find_end_of_long_text(line.substr(begin + long_quote.size()));
}

void line_checker::check_outside(std::string_view line) const {
    const split_line parts = split(line);
    const bool is_all_ascii = std::all_of(parts.before_comment.begin(), parts.before_comment.end(), is_ascii);
    if (!is_all_ascii && !is_plain_assignment(parts.outside_of_strings)) {
        fail("a character beyond ASCII can stand only in a text in quotes or in a comment");
    }
    if (is_broken_header(line)) {
        fail("expected the name of a table behind the bracket, as in [listen] or [[route]]");
    }
}

void line_checker::find_end_of_long_text(std::string_view line) {
    const auto end = line.find(long_quote);
    if (end == line.npos) {
        return; // it goes on in the next line
    }
    const auto next = line.find_first_not_of(" \t", end + long_quote.size());
    if (next != line.npos && line[next] != '#') {
        fail("only a comment may follow the ''' that ends a text");
    }
    opened_in_ = 0;
}

void line_checker::check_end() const {
    if (opened_in_ != 0) {
        fail_at(file_, opened_in_, "the text between ''' and ''' that begins here has no end");
    }
}

} // namespace

void refuse_unparsable(std::string_view text, std::string_view name) {
    using namespace std::string_view_literals;
    // A table's name, a key or a comment begins a configuration: its second character is beside a NUL in UTF-16.
    const bool has_mark = text.starts_with("\xff\xfe"sv) || text.starts_with("\xfe\xff"sv);
    if (has_mark || (text.size() > 1 && (text[0] == '\0') != (text[1] == '\0'))) {
        fail_at(name, 1, "the file is UTF-16; a configuration is plain UTF-8");
    }
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (text.starts_with(byte_order_mark)) {
        text.remove_prefix(byte_order_mark.size());
    }
    line_checker lines(name);
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        lines.check(line);
    }
    lines.check_end();
}

} // namespace countersign::conf
