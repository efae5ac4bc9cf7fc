// Answers of STS: never a crash, and no control byte is accepted or told.
#include "chain/sts_answer.hpp"
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

bool is_printable(std::string_view text) {
    for (const char byte : text)
        if (byte < ' ' || byte >= 0x7f)
            return false;
    return true;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    if (const auto c = chain::read_sts_answer(text, "AssumeRole")) {
        require(chain::is_visible(c->access_key_id));
        require(chain::is_visible(c->secret_access_key.reveal()));
        require(c->session_token.empty() || chain::is_visible(c->session_token.reveal()));
        require(c->account_id.empty() || chain::is_visible(c->account_id));
    } else {
        require(is_printable(c.error().detail));
    }
    const auto e = chain::read_sts_error(text);
    require(is_printable(e.code) && e.code.size() < 70);
    require(is_printable(e.message) && e.message.size() < 410);
    return 0;
}
