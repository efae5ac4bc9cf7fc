// Whatever a client sends as its target: the wire form is stable, signs alike before and after, and stays in
// its room.
#include "signer/earlier_signature.hpp"
#include "signer/sigv4.hpp"
#include "signer/target.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory_resource>
#include <string_view>

namespace {

using namespace countersign::signer;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view target(reinterpret_cast<const char*>(bytes), size);
    const std::size_t mark = target.find('?');
    const std::string_view path = target.substr(0, mark);
    const std::string_view query = mark == std::string_view::npos ? "" : target.substr(mark + 1);
    static const signing_key key = signing_key::derive("secret", "20260101", "us-east-1", "s3");
    const header headers[]{{"Host", "h"}, {"x-amz-meta-a", path}, {"X-Amz-Meta-A", query}};

    for (const path_rule rule : {path_rule::s3, path_rule::standard}) {
        std::pmr::monotonic_buffer_resource memory(1, std::pmr::new_delete_resource());
        const std::string_view plain = without_signature(query, memory);
        const std::string_view wire = wire_query(plain, memory);
        const std::string_view sent = wire_path(path, rule, memory);
        require(wire_query(wire, *std::pmr::null_memory_resource()) == wire);
        require(wire_path(sent, rule, *std::pmr::null_memory_resource()) == sent);
        require(without_signature(wire, *std::pmr::null_memory_resource()) == wire);

        const auto canonical = [&](std::string_view q, placement where) {
            const options how{.where = where, .path = rule};
            return sign({"GET", sent, q, headers, empty_hash}, {"s3", "us-east-1"}, {"AKID", "T"}, key, {}, how, memory)
                .canonical_request;
        };
        require(canonical(plain, placement::header) == canonical(wire, placement::header));
        require(canonical(plain, placement::query) == canonical(wire, placement::query));
    }
    return 0;
}
