#include "chain/sts_answer.hpp"

#include "chain/rfc3339.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <pugixml.hpp>

#include <optional>

namespace countersign::chain {

namespace {

// Comments and the like inside a value must be seen to be refused: pugixml would leave them out in silence.
constexpr unsigned strict = pugi::parse_escapes | pugi::parse_cdata | pugi::parse_comments | pugi::parse_pi;

// A parsed text. The nodes point into a copy that is wiped: it holds keys.
class document {
public:
    explicit document(std::string_view xml) : text_(xml) {
        // A NUL would end a value early for pugixml's C strings.
        if (xml.find('\0') == std::string_view::npos) {
            is_xml_ = nodes_.load_buffer_inplace(text_.data(), text_.size(), strict, pugi::encoding_utf8);
        }
    }
    ~document() { OPENSSL_cleanse(text_.data(), text_.size()); }
    document(const document&) = delete;
    document& operator=(const document&) = delete;

    explicit operator bool() const noexcept { return is_xml_; }
    const pugi::xml_node& root() const noexcept { return nodes_; }

private:
    std::string text_;
    pugi::xml_document nodes_;
    bool is_xml_ = false;
};

// The one child of that name; null when there is none or another one.
pugi::xml_node only_child(const pugi::xml_node& parent, const char* name) {
    const auto found = parent.child(name);
    return found.next_sibling(name) ? pugi::xml_node{} : found;
}

// The whole content, when it is text and nothing else.
std::optional<std::string_view> text_in(const pugi::xml_node& node) {
    const auto content = node.first_child();
    if (content.type() != pugi::node_pcdata || content.next_sibling()) {
        return std::nullopt;
    }
    return std::string_view(content.value());
}

std::optional<failure> take(const pugi::xml_node& parent, const char* name, std::string_view& into) {
    const auto text = text_in(only_child(parent, name));
    if (!text) {
        return failure{fmt::format("the answer has not exactly one {} that is text", name)};
    }
    if (!is_visible(*text)) {
        return failure{fmt::format("{} in the answer is empty or has blanks, control or non-ASCII characters", name)};
    }
    into = *text;
    return std::nullopt;
}

// The same for what keys may be without: <SessionToken/>.
std::optional<failure> take_if_said(const pugi::xml_node& parent, const char* name, std::string_view& into) {
    const auto element = only_child(parent, name);
    return element && !element.first_child() ? std::nullopt : take(parent, name, into);
}

// arn:aws:sts::123456789012:assumed-role/r/s → 123456789012; "" for what is no ARN.
std::string_view account_in(std::string_view arn) {
    for (int field = 0; field < 4; ++field) {
        const auto colon = arn.find(':');
        if (colon == std::string_view::npos) {
            return {};
        }
        arn.remove_prefix(colon + 1);
    }
    const auto account = arn.substr(0, arn.find(':'));
    return is_visible(account) ? account : std::string_view{};
}

} // namespace

result<credentials> read_sts_answer(std::string_view xml, std::string_view action) {
    const document parsed(xml);
    if (!parsed) {
        return failure{"the answer is no XML", true};
    }
    const auto outer = only_child(parsed.root(), fmt::format("{}Response", action).c_str());
    const auto inner = only_child(outer, fmt::format("{}Result", action).c_str());
    const auto keys = only_child(inner, "Credentials");
    std::string_view id, key, token, expiration;
    for (auto wrong :
         {take(keys, "AccessKeyId", id),
          take(keys, "SecretAccessKey", key),
          take_if_said(keys, "SessionToken", token),
          take_if_said(keys, "Expiration", expiration)}) {
        if (wrong) {
            return *std::move(wrong);
        }
    }
    credentials c;
    c.access_key_id = id;
    c.secret_access_key = secret(key);
    c.session_token = secret(token);
    c.account_id = account_in(text_in(only_child(only_child(inner, "AssumedRoleUser"), "Arn")).value_or(""));
    if (!expiration.empty()) {
        c.expiration = read_rfc3339(expiration);
    }
    if (c.expiration == latest_time) {
        c.stated_end = expiration;
    }
    if (!expiration.empty() && !c.expiration) {
        return failure{"Expiration in the answer is no RFC 3339 date"};
    }
    return c;
}

sts_error read_sts_error(std::string_view xml) {
    const document parsed(xml);
    const auto error = only_child(only_child(parsed.root(), "ErrorResponse"), "Error");
    const auto code = text_in(only_child(error, "Code")).value_or("");
    const auto message = text_in(only_child(error, "Message")).value_or("");
    // The lines that follow in SignatureDoesNotMatch are the canonical request, session token included.
    return {printable(trimmed(code), 64), printable(message.substr(0, message.find_first_of("\r\n")), 400)};
}

} // namespace countersign::chain
