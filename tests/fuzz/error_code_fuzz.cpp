// Any text: the code found lies inside it, and is short and harmless.
#include "proxy/http/service_error.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    for (const std::string_view found :
         {countersign::proxy::find_error_code("", "", text),
          countersign::proxy::find_error_code("", text, ""),
          countersign::proxy::find_error_code(text, "", ""),
          countersign::proxy::find_error_region(text)}) {
        if (found.empty())
            continue;
        const std::less_equal<> not_after;
        if (!not_after(text.data(), found.data()) || !not_after(found.data() + found.size(), text.data() + size))
            std::abort();
        if (found.size() > 128)
            std::abort();
        for (const char c : found)
            if (c <= ' ' || c == '"' || c == '<' || c == '\\' || c == 0x7f)
                std::abort();
    }
    return 0;
}
