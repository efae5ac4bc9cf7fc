#include "tests/support/sts_ask.hpp"

#include "chain/rfc3339.hpp"
#include "signer/encode.hpp"
#include "signer/sha256.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <vector>

namespace countersign::tests {

namespace {

std::string form_text(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size();)
        out.push_back(signer::decode_next(text, i, signer::plus_sign::blank));
    return out;
}

} // namespace

std::map<std::string, std::string> form_in(const chain::http_ask& ask) {
    std::map<std::string, std::string> form;
    auto rest = ask.body.reveal();
    while (!rest.empty()) {
        const auto field = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), field.size() + 1));
        const auto equals = field.find('=');
        const auto name = form_text(field.substr(0, equals));
        if (!form.emplace(name, form_text(field.substr(equals + 1))).second)
            throw std::runtime_error("twice in the form: " + name);
    }
    return form;
}

std::string field_in(const chain::http_ask& ask, std::string_view name) {
    chain::http_reply fields;
    fields.fields = ask.fields;
    return std::string(fields.field(name));
}

signer::verification
verify_ask(const chain::http_ask& ask, const chain::credentials& keys, std::chrono::system_clock::time_point now) {
    const auto url = chain::read_url(ask.url).value();
    std::vector<signer::header> headers{{"Host", url.host_field}};
    for (const auto& f : ask.fields)
        headers.push_back({f.name, f.value.reveal()});
    std::string hash(64, '\0');
    signer::write_hex(signer::sha256_of(ask.body.reveal()), hash.data());
    signer::expectation expected;
    expected.service = "sts";
    expected.lookup = [&](std::string_view id) -> std::optional<signer::key_entry> {
        if (id != keys.access_key_id)
            return std::nullopt;
        return signer::key_entry{
            std::string(keys.secret_access_key.reveal()), std::string(keys.session_token.reveal())};
    };
    const signer::request request{ask.method, url.target, "", headers, ""};
    return signer::verify(request, hash, expected, std::chrono::floor<std::chrono::seconds>(now));
}

std::string sts_xml(
    std::string_view action, std::string_view id, std::chrono::system_clock::time_point expiration, std::string_view arn
) {
    return fmt::format(
        "<{0}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n <{0}Result>\n"
        "  <AssumedRoleUser><AssumedRoleId>AROA:s</AssumedRoleId><Arn>{1}</Arn></AssumedRoleUser>\n"
        "  <Credentials>\n   <AccessKeyId>{2}</AccessKeyId>\n   <SecretAccessKey>secret-of-{2}</SecretAccessKey>\n"
        "   <SessionToken>token-of-{2}</SessionToken>\n   <Expiration>{3}</Expiration>\n  </Credentials>\n"
        " </{0}Result>\n <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>\n</{0}Response>\n",
        action,
        arn,
        id,
        chain::write_rfc3339(expiration)
    );
}

std::string sts_error_xml(std::string_view code, std::string_view message) {
    return fmt::format(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{}</Code>"
        "<Message>{}</Message></Error><RequestId>1</RequestId></ErrorResponse>",
        code,
        message
    );
}

} // namespace countersign::tests
