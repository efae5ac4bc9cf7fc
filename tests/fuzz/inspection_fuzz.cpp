// inspect() and the comparison of canonical requests read what people paste. The input is a message: target, then
// NAME:VALUE lines; and, cut in the middle, two texts to compare. What is not signed is always wrong.
#include "signer/difference.hpp"
#include "signer/inspection.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace countersign::signer;
    const std::string_view all(reinterpret_cast<const char*>(bytes), size);
    const std::string_view first = all.substr(0, size / 2), second = all.substr(size / 2);
    if (compare_canonical_requests(all, all) && compare_canonical_requests(all, all)->line != signed_line::form) {
        std::abort();
    }
    compare_canonical_requests(first, second);
    compare_strings_to_sign(first, second);

    std::string_view text = all;
    const auto take = [&](char end) {
        const std::size_t at = text.find(end);
        const std::string_view part = text.substr(0, at);
        text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
        return part;
    };
    inspected_request seen;
    seen.kind = static_cast<exhibit>(size % 3);
    const std::string_view target = take('\n');
    const std::size_t mark = target.find('?');
    std::vector<header> headers;
    while (!text.empty()) {
        const std::string_view line = take('\n');
        const std::size_t colon = line.find(':');
        headers.push_back({line.substr(0, colon), colon == std::string_view::npos ? "" : line.substr(colon + 1)});
    }
    seen.what = {
        "GET", target.substr(0, mark), mark == std::string_view::npos ? "" : target.substr(mark + 1), headers, ""};
    seen.host = "bucket.s3.eu-west-1.amazonaws.com";
    const std::chrono::sys_seconds now{};
    const inspection found = inspect(seen, now);
    validity(found, now);
    if (!found.is_signed && found.faults.empty()) {
        std::abort();
    }
    return 0;
}
