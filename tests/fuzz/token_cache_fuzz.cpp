// The AWS CLI's cache files and what is written back to them: never a crash, nothing unprintable in a message, and
// what was written is read again.
#include "chain/login_cache.hpp"
#include "chain/sso_token.hpp"
#include "chain/text.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace chain = countersign::chain;

namespace {

void require(bool holds) {
    if (!holds)
        std::abort();
}

void require_printable(const chain::failure& wrong) {
    for (const char byte : wrong.detail)
        require(byte >= ' ' && byte < 0x7f);
}

constexpr std::string_view sso_answer = R"({"accessToken":"fresh","expiresIn":900})";
constexpr std::string_view login_answer =
    R"({"accessToken":{"accessKeyId":"A","secretAccessKey":"s","sessionToken":"t"},)"
    R"("refreshToken":"r","expiresIn":900})";

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    const std::chrono::system_clock::time_point now{std::chrono::seconds(1795348800)};
    if (const auto token = chain::read_sso_token(text, now)) {
        require(chain::is_visible(token->access_token.reveal()));
        const auto next = chain::refreshed_token_text(text, sso_answer, now);
        require(next.has_value());
        require(chain::read_sso_token(next->reveal(), now)->access_token.reveal() == "fresh");
    } else {
        require_printable(token.error());
    }
    if (const auto cache = chain::read_login_cache(text)) {
        require(cache->keys.expiration.has_value());
        const auto next = chain::refreshed_login_text(text, login_answer, now);
        require(next.has_value());
        require(chain::read_login_cache(next->reveal())->keys.access_key_id == "A");
    } else {
        require_printable(cache.error());
    }
    // The other side: what the services answer.
    if (const auto next = chain::refreshed_token_text("{}", text, now); !next)
        require_printable(next.error());
    if (const auto next = chain::refreshed_login_text(R"({"accessToken":{}})", text, now); !next)
        require_printable(next.error());
    return 0;
}
