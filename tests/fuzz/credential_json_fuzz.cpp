// Answers of credential endpoints: never a crash, and no control byte is accepted.
#include "chain/answer.hpp"
#include "chain/rfc3339.hpp"
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

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    if (const auto c = chain::read_answer(text, "container")) {
        require(chain::is_visible(c->access_key_id));
        require(chain::is_visible(c->secret_access_key.reveal()));
        require(c->session_token.empty() || chain::is_visible(c->session_token.reveal()));
        require(c->account_id.empty() || chain::is_visible(c->account_id));
    } else {
        for (const char byte : c.error().detail)
            require(byte >= ' ' && byte < 0x7f);
    }
    if (const auto time = chain::read_rfc3339(text))
        require(chain::read_rfc3339(chain::write_rfc3339(*time)) == time);
    return 0;
}
