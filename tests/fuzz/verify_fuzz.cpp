// verify() reads what strangers send. The input is a message: target, then NAME:VALUE lines. Nobody without
// the secret may ever be believed.
#include "signer/verify.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace countersign::signer;
    std::string_view text(reinterpret_cast<const char*>(bytes), size);
    const auto take = [&](char end) {
        const std::size_t at = text.find(end);
        const std::string_view part = text.substr(0, at);
        text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
        return part;
    };
    const std::string_view target = take('\n');
    const std::size_t mark = target.find('?');
    std::vector<header> headers;
    while (!text.empty()) {
        const std::string_view line = take('\n');
        const std::size_t colon = line.find(':');
        headers.push_back({line.substr(0, colon), colon == std::string_view::npos ? "" : line.substr(colon + 1)});
    }
    expectation expected;
    expected.tolerance = std::chrono::hours(24 * 365 * 100);
    expected.lookup = [](std::string_view) {
        return std::optional<key_entry>({"a secret that the fuzzer cannot compute with", ""});
    };
    const std::string_view query = mark == std::string_view::npos ? "" : target.substr(mark + 1);
    const verification v =
        verify({"GET", target.substr(0, mark), query, headers, ""}, empty_hash, expected, std::chrono::sys_seconds{});
    if (v.what == mismatch::none || v.detail.empty()) {
        std::abort();
    }
    return 0;
}
