#include "chain/profile_title.hpp"

#include "chain/ini_text.hpp"

#include <array>
#include <utility>

namespace countersign::chain {

namespace {

constexpr std::array prefixes{
    std::pair{std::string_view("profile"), section_kind::profile},
    std::pair{std::string_view("sso-session"), section_kind::sso_session},
    std::pair{std::string_view("services"), section_kind::services}};

// One word of split_words: what has been taken of it so far.
class word_reader {
public:
    explicit word_reader(std::string_view text) : rest_(text) {}

    // False at the end, and for a quote or backslash that does not end.
    bool next(std::string& word);
    bool is_broken() const noexcept { return is_broken_; }

private:
    char take() {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }
    void take_quoted(char quote, std::string& word);

    std::string_view rest_;
    bool is_broken_ = false;
};

// Between double quotes a backslash stays one, unless the quote or another backslash follows.
void word_reader::take_quoted(char quote, std::string& word) {
    while (!rest_.empty()) {
        const char c = take();
        if (c == quote) {
            return;
        }
        if (quote == '"' && c == '\\' && !rest_.empty() && (rest_.front() == '"' || rest_.front() == '\\')) {
            word += take();
        } else {
            word += c;
        }
    }
    is_broken_ = true;
}

bool word_reader::next(std::string& word) {
    constexpr std::string_view gaps = " \t\r\n";
    while (!rest_.empty() && gaps.find(rest_.front()) != std::string_view::npos) {
        rest_.remove_prefix(1);
    }
    if (rest_.empty()) {
        return false;
    }
    word.clear();
    while (!rest_.empty() && !is_broken_ && gaps.find(rest_.front()) == std::string_view::npos) {
        const char c = take();
        if (c == '"' || c == '\'') {
            take_quoted(c, word);
        } else if (c != '\\') {
            word += c;
        } else if (rest_.empty()) {
            is_broken_ = true;
        } else {
            word += take();
        }
    }
    return !is_broken_;
}

section_title read_config_title(std::string_view title) {
    if (title == "default") {
        return {section_kind::profile, std::string(title)};
    }
    for (const auto& [prefix, kind] : prefixes) {
        if (!title.starts_with(prefix)) {
            continue;
        }
        auto words = split_words(title);
        if (words && words->size() == 2 && !words->back().empty()) {
            return {kind, std::move(words->back())};
        }
    }
    return {};
}

} // namespace

std::optional<std::vector<std::string>> split_words(std::string_view text) {
    std::vector<std::string> words;
    word_reader reader(text);
    for (std::string word; reader.next(word);) {
        words.push_back(word);
    }
    if (reader.is_broken()) {
        return std::nullopt;
    }
    return words;
}

section_title read_section_title(std::string_view title, file_kind file) {
    if (title == "DEFAULT") {
        return {section_kind::defaults, {}};
    }
    const auto plain = stripped(title.substr(0, title.find(']')));
    section_title read;
    if (file == file_kind::config) {
        read = read_config_title(title);
        if (read.kind == section_kind::ignored && plain != title) {
            read = read_config_title(plain);
            read.is_exact = false;
        }
    } else if (!plain.empty()) {
        read = {section_kind::profile, std::string(plain), plain == title};
    }
    return read;
}

} // namespace countersign::chain
