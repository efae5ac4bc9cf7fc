// verify() reads what strangers send, SigV4 and SigV4A. The input is a message: target, then NAME:VALUE lines.
// Nobody without the secret may ever be believed. What sign() makes of the same message is believed, and no longer
// when one digit of its signature is another.
#include "signer/claim.hpp"
#include "signer/date.hpp"
#include "signer/earlier_signature.hpp"
#include "signer/encode.hpp"
#include "signer/sigv4.hpp"
#include "signer/verify.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace countersign::signer;

constexpr std::string_view id = "AKIDEXAMPLE";
constexpr std::string_view secret = "a secret that the fuzzer cannot compute with";
constexpr std::chrono::sys_seconds when{};

struct message {
    std::string_view path, query;
    std::vector<header> headers;
};

message read(std::string_view text) {
    const auto take = [&](char end) {
        const std::size_t at = text.find(end);
        const std::string_view part = text.substr(0, at);
        text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
        return part;
    };
    message m;
    const std::string_view target = take('\n');
    const std::size_t mark = target.find('?');
    m.path = target.substr(0, mark);
    m.query = mark == std::string_view::npos ? "" : target.substr(mark + 1);
    while (!text.empty()) {
        const std::string_view line = take('\n');
        const std::size_t colon = line.find(':');
        m.headers.push_back({line.substr(0, colon), colon == std::string_view::npos ? "" : line.substr(colon + 1)});
    }
    return m;
}

verification judge(const message& m, std::string_view known_secret) {
    expectation expected;
    expected.region = "eu-west-1";
    expected.tolerance = std::chrono::hours(24 * 365 * 100);
    expected.lookup = [&](std::string_view) { return std::optional<key_entry>({std::string(known_secret), ""}); };
    return verify({"GET", m.path, m.query, m.headers, ""}, empty_hash, expected, when);
}

// What the proxy's own parser would let through, and nothing that signing sets itself.
bool is_ordinary(const header& field) {
    return !field.name.empty() && !is_owned_by_signing(field.name) && !equals_ignoring_case(field.name, "host") &&
           consists_of(unreserved, field.name);
}

void sign_and_judge(message m, bool asymmetric, placement where) {
    std::pmr::monotonic_buffer_resource memory;
    m.query = without_signature(m.query, memory);
    if (!parameters_of(m.query, "X-Amz-Content-Sha256").empty() || !parameters_of(m.query, "X-Amz-Signature").empty()) {
        return;
    }
    std::erase_if(m.headers, [](const header& field) { return !is_ordinary(field); });
    m.headers.push_back({"Host", "h"});
    const request what{"GET", m.path, m.query, m.headers, empty_hash};
    const options how{.where = where};
    const instructions made =
        asymmetric ? sign(what, {"s", "us-east-1,eu-*"}, {id, ""}, ecdsa_key::derive(id, secret), when, how, memory)
                   : sign(
                         what,
                         {"s", "eu-west-1"},
                         {id, ""},
                         signing_key::derive(secret, date_text(when).day(), "eu-west-1", "s"),
                         when,
                         how,
                         memory
                     );
    m.headers.insert(m.headers.end(), made.add.begin(), made.add.end());
    m.query = where == placement::query ? made.query : m.query;
    if (judge(m, secret).what != mismatch::none) {
        std::abort();
    }
    const_cast<char&>(made.signature.back()) ^= 1; // our own buffer: 0 ↔ 1, a ↔ `
    if (judge(m, secret).what == mismatch::none) {
        std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const message m = read({reinterpret_cast<const char*>(bytes), size});
    const verification v = judge(m, secret);
    if (v.what == mismatch::none || v.detail.empty()) {
        std::abort();
    }
    sign_and_judge(m, size % 2 == 0, size % 4 < 2 ? placement::header : placement::query);
    return 0;
}
