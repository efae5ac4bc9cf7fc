#include "proxy/http/service_error.hpp"

#include <algorithm>

namespace countersign::proxy {
namespace {

constexpr std::string_view blanks = " \t\r\n";
constexpr std::size_t longest_code = 128;

bool is_code_byte(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
}

std::string_view trimmed(std::string_view text) noexcept {
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// com.amazon.coral.service#ThrottlingException:http://x/ → ThrottlingException. What does not look like a
// code afterwards is none: the result goes into comparisons and logs.
std::string_view bare(std::string_view text) noexcept {
    text = text.substr(0, text.find(':'));
    if (const std::size_t hash = text.rfind('#'); hash != std::string_view::npos) {
        text.remove_prefix(hash + 1);
    }
    text = trimmed(text);
    const bool looks_right = text.size() <= longest_code && std::all_of(text.begin(), text.end(), is_code_byte);
    return looks_right ? text : std::string_view{};
}

// Walks over the markup of an XML text. Each step is one tag; everything between is left to the caller.
class xml_walk {
public:
    explicit xml_walk(std::string_view text) noexcept : text_(text) {}

    // To behind the next tag; false at the end of the text, or where it is cut off inside a tag. Comments,
    // declarations and CDATA are passed over.
    bool next() noexcept {
        for (;;) {
            at_ = text_.find('<', at_);
            if (at_ == std::string_view::npos) {
                return false;
            }
            const std::string_view rest = text_.substr(at_);
            if (rest.starts_with("<!--")) {
                if (!skip_to("-->")) {
                    return false;
                }
            } else if (rest.starts_with("<![CDATA[")) {
                if (!skip_to("]]>")) {
                    return false;
                }
            } else if (rest.starts_with("<?")) {
                if (!skip_to("?>")) {
                    return false;
                }
            } else if (rest.starts_with("<!")) {
                if (!skip_to(">")) {
                    return false;
                }
            } else {
                return take_tag();
            }
        }
    }

    // Name without name space: <ns:Code a="b"> → Code.
    std::string_view name() const noexcept { return name_; }
    bool closes() const noexcept { return closes_; }
    bool is_empty() const noexcept { return is_empty_; }

    // The text up to the following tag; "" where it is cut off before that tag.
    std::string_view content() const noexcept {
        const std::size_t end = text_.find('<', at_);
        return end == std::string_view::npos ? std::string_view{} : trimmed(text_.substr(at_, end - at_));
    }

private:
    bool skip_to(std::string_view end) noexcept {
        const std::size_t found = text_.find(end, at_);
        if (found == std::string_view::npos) {
            return false;
        }
        at_ = found + end.size();
        return true;
    }

    bool take_tag() noexcept {
        const std::size_t start = at_ + 1;
        const std::size_t end = text_.find('>', start);
        if (end == std::string_view::npos) {
            return false;
        }
        at_ = end + 1;
        std::string_view tag = text_.substr(start, end - start);
        closes_ = tag.starts_with('/');
        is_empty_ = tag.ends_with('/');
        if (closes_) {
            tag.remove_prefix(1);
        }
        name_ = tag.substr(0, tag.find_first_of(" \t\r\n/"));
        if (const std::size_t colon = name_.rfind(':'); colon != std::string_view::npos) {
            name_.remove_prefix(colon + 1);
        }
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string_view name_;
    bool closes_ = false;
    bool is_empty_ = false;
};

// <ErrorResponse><Error><Code>, <Response><Errors><Error><Code>, <Error><Code>: the child of this name of an Error.
std::string_view child_of_error(std::string_view body, std::string_view name) noexcept {
    int depth = 0;
    int error_depth = 0; // of the Error element we are in; 0: in none
    for (xml_walk walk(body); walk.next();) {
        if (walk.closes()) {
            if (depth == error_depth) {
                error_depth = 0;
            }
            if (--depth <= 0) {
                return {};
            }
            continue;
        }
        if (walk.is_empty()) {
            continue;
        }
        ++depth;
        if (error_depth == 0 && walk.name() == "Error") {
            error_depth = depth;
        }
        if (error_depth != 0 && depth == error_depth + 1 && walk.name() == name) {
            return bare(walk.content());
        }
    }
    return {};
}

// The strings of a JSON text's top level, as pairs of key and value. Values stay escaped: a code has nothing
// to escape.
class json_walk {
public:
    explicit json_walk(std::string_view text) noexcept : text_(text) {}

    // To the next top-level member whose value is a string; false at the end of the object or the text.
    bool next() noexcept {
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c == '"') {
                std::string_view found;
                if (!take_string(found)) {
                    return false;
                }
                if (depth_ == 1 && note(found)) {
                    return true;
                }
            } else if (c == '{' || c == '[') {
                ++depth_;
            } else if (c == '}' || c == ']') {
                if (--depth_ <= 0) {
                    return false;
                }
            } else if (c == ':' && depth_ == 1) {
                behind_colon_ = true;
            } else if (c == ',' && depth_ == 1) {
                behind_colon_ = false;
            }
        }
        return false;
    }

    std::string_view key() const noexcept { return key_; }
    std::string_view value() const noexcept { return value_; }

private:
    bool note(std::string_view found) noexcept {
        (behind_colon_ ? value_ : key_) = found;
        return behind_colon_;
    }

    // Behind the opening quote; false where the text ends before the closing one.
    bool take_string(std::string_view& found) noexcept {
        for (std::size_t end = at_; end < text_.size(); ++end) {
            if (text_[end] == '\\') {
                ++end;
            } else if (text_[end] == '"') {
                found = text_.substr(at_, end - at_);
                at_ = end + 1;
                return true;
            }
        }
        return false;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int depth_ = 0;
    bool behind_colon_ = false;
    std::string_view key_;
    std::string_view value_;
};

std::string_view code_in_json(std::string_view body) noexcept {
    std::string_view type;
    for (json_walk walk(body); walk.next();) {
        if (walk.key() == "code" || walk.key() == "Code") {
            if (const std::string_view code = bare(walk.value()); !code.empty()) {
                return code;
            }
        } else if (walk.key() == "__type") {
            type = bare(walk.value());
        }
    }
    return type;
}

std::string_view without_mark(std::string_view body) noexcept {
    if (body.starts_with("\xEF\xBB\xBF")) {
        body.remove_prefix(3);
    }
    return trimmed(body);
}

} // namespace

std::string_view
find_error_code(std::string_view amzn_query_error, std::string_view amzn_errortype, std::string_view body) noexcept {
    // "AWS.SimpleQueueService.NonExistentQueue;Sender"
    if (const auto code = bare(amzn_query_error.substr(0, amzn_query_error.find(';'))); !code.empty()) {
        return code;
    }
    if (const auto code = bare(amzn_errortype); !code.empty()) {
        return code;
    }
    body = without_mark(body);
    if (body.starts_with('<')) {
        return child_of_error(body, "Code");
    }
    if (body.starts_with('{')) {
        return code_in_json(body);
    }
    return {};
}

std::string_view find_error_region(std::string_view body) noexcept {
    body = without_mark(body);
    return body.starts_with('<') ? child_of_error(body, "Region") : std::string_view{};
}

std::string_view find_error_endpoint(std::string_view body) noexcept {
    body = without_mark(body);
    return body.starts_with('<') ? child_of_error(body, "Endpoint") : std::string_view{};
}

} // namespace countersign::proxy
