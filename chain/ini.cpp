#include "chain/ini.hpp"

#include "chain/ini_text.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

namespace countersign::chain {

namespace {

constexpr bool starts_comment(char c) noexcept {
    return c == '#' || c == ';';
}

// Inside a value a comment needs a blank before it: `a #x` → `a`, `a#x` stays. Between quotes there is none, so that
// the command line of a credential_process stays whole.
std::string_view without_comment(std::string_view value) noexcept {
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (i > 0 && starts_comment(value[i]) && is_blank(value[i - 1]))
            return value.substr(0, i);
        if (value[i] == '"' || value[i] == '\'')
            if (const auto close = value.find(value[i], i + 1); close != std::string_view::npos)
                i = close;
    }
    return value;
}

std::string lower_case(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), lower);
    return out;
}

// For botocore a title has a name and a `]`. Another line is a property, if it has a delimiter.
bool is_property_after_all(std::string_view title) noexcept {
    const auto end = title.rfind(']');
    return (end == std::string_view::npos || end < 2) && title.find_first_of("=:") != std::string_view::npos;
}

class reader {
public:
    explicit reader(std::string_view text) : text_(text) {}
    std::vector<ini_section> read();

private:
    void take(std::string_view line, text_span at);
    void take_title(std::string_view title, text_span at);
    void take_property(std::string_view line, text_span at);
    void take_continuation(std::string_view line, text_span at);
    void begin_section(std::string_view title, text_span at);
    void fault(std::string_view what);
    void note_seeming_title(std::string_view line);
    std::size_t place_of(std::string_view part) const { return static_cast<std::size_t>(part.data() - text_.data()); }

    std::string_view text_;
    std::vector<ini_section> sections_;
    unsigned number_ = 0;
    std::size_t indentation_ = 0; // of the last title or property; a deeper line continues the property
    bool in_value_ = false;
    bool has_comment_for_value_ = false; // `s3 = # c`, for botocore a text: what is below it need be no block
    std::size_t empty_lines_ = 0;        // since the last line of the value
};

void reader::fault(std::string_view what) {
    if (sections_.back().fault.what.empty())
        sections_.back().fault = {number_, what};
}

void reader::note_seeming_title(std::string_view line) {
    if (line.front() == '[' && sections_.back().seeming_title == 0)
        sections_.back().seeming_title = number_;
}

void reader::begin_section(std::string_view title, text_span at) {
    ini_section section;
    section.title = title;
    section.line = number_;
    section.at = at;
    sections_.push_back(std::move(section));
    in_value_ = false;
}

// What follows a title that cannot be read must not be taken for a part of the section before it.
void reader::take_title(std::string_view title, text_span at) {
    const auto end = title.rfind(']');
    if (end == std::string_view::npos || end < 2) {
        // Under the name that it shows: nobody may use that profile then, in whichever file its keys stand.
        begin_section(end == std::string_view::npos ? stripped(title.substr(1)) : std::string_view{}, at);
        fault("a section without `]`, or without a name");
        return;
    }
    begin_section(title.substr(1, end - 1), at);
    const auto tail = stripped(title.substr(end + 1));
    sections_.back().has_tail = !tail.empty() && !starts_comment(tail.front());
}

void reader::take_property(std::string_view line, text_span at) {
    const auto delimiter = line.find_first_of("=:");
    if (delimiter == std::string_view::npos) {
        fault("expected `name = value`");
        return;
    }
    const auto name = stripped_back(line.substr(0, delimiter));
    in_value_ = !name.empty();
    empty_lines_ = 0;
    if (name.empty()) {
        fault("a property without a name");
        return;
    }
    const auto said = line.substr(delimiter + 1);
    const auto value = stripped(without_comment(said));
    has_comment_for_value_ = value.empty() && !stripped(said).empty();
    ini_property property;
    property.name = lower_case(name);
    property.value = secret(value);
    property.line = number_;
    property.at = at;
    const auto begin = value.empty() ? place_of(line) + delimiter + 1 : place_of(value);
    property.value_at = {begin, begin + value.size()};
    sections_.back().properties.push_back(std::move(property));
}

// REQUIRES: in_value_.
void reader::take_continuation(std::string_view line, text_span at) {
    note_seeming_title(line);
    ini_property& last = sections_.back().properties.back();
    last.continued.push_back(at);
    if (last.value.empty()) {
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) {
            if (!has_comment_for_value_)
                fault("expected an indented `name = value`");
            return;
        }
        ini_property nested;
        nested.name = lower_case(stripped_back(line.substr(0, equals)));
        nested.value = secret(stripped_front(line.substr(equals + 1)));
        nested.line = number_;
        if (!nested.name.empty())
            last.nested.push_back(std::move(nested));
        return;
    }
    std::string joined;
    joined.reserve(last.value.reveal().size() + empty_lines_ + 1 + line.size());
    joined.append(last.value.reveal()).append(empty_lines_ + 1, '\n').append(line);
    last.value = secret(joined);
    OPENSSL_cleanse(joined.data(), joined.size());
    empty_lines_ = 0;
}

void reader::take(std::string_view line, text_span at) {
    const auto content = stripped(line);
    if (content.empty()) {
        ++empty_lines_;
        return;
    }
    if (starts_comment(content.front()))
        return;
    const auto indentation = indentation_of(line);
    if (in_value_ && indentation > indentation_) {
        take_continuation(content, at);
        return;
    }
    indentation_ = indentation;
    if (content.front() == '[' && !is_property_after_all(content)) {
        take_title(content, at);
        return;
    }
    if (sections_.empty()) {
        begin_section("", at);
        fault("a property before any section");
    }
    note_seeming_title(content);
    take_property(content, at);
}

std::vector<ini_section> reader::read() {
    for (auto rest = text_; !rest.empty();) {
        ++number_;
        const auto begin = place_of(rest);
        const auto line = take_line(rest);
        take(line, {begin, rest.empty() ? text_.size() : place_of(rest)});
    }
    return std::move(sections_);
}

} // namespace

result<std::vector<ini_section>> parse_ini(std::string_view text, std::string_view file) {
    if (const auto encoding = foreign_encoding(text); !encoding.empty())
        return failure{fmt::format("{}:1: {}", printable(file, 300), in_wrong_encoding("the file", encoding)), false};
    return reader(text).read();
}

bool is_ini_name(std::string_view name) noexcept {
    constexpr std::string_view marks = "_-/.%@:+";
    return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
        return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
               marks.find(c) != std::string_view::npos;
    });
}

} // namespace countersign::chain
