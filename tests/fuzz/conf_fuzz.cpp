// Any bytes as a configuration, and as a glob with its text: an answer or conf::error, never anything else.
#include "conf/check.hpp"
#include "conf/load.hpp"
#include "conf/route.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    try {
        const countersign::conf::config c = countersign::conf::load(text, "f");
        countersign::conf::check(c);
    } catch (const countersign::conf::error&) {
    }
    const std::string_view glob = text.substr(0, size / 2);
    const std::string_view rest = text.substr(size / 2);
    const bool covers = countersign::conf::glob_covers(glob, rest);
    if (covers && !countersign::conf::glob_matches(glob, rest)) {
        __builtin_trap(); // a glob read as a text is one of the texts that it matches
    }
    return 0;
}
