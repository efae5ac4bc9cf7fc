#include "proxy/sandbox/xml.hpp"

#include <sstream>

namespace countersign::proxy::sandbox {

answer xml_answer(unsigned status, const pugi::xml_document& document) {
    std::ostringstream out;
    document.save(out, "", pugi::format_raw, pugi::encoding_utf8);
    std::string body = out.str();
    // format_raw leaves the declaration on the root's line; clients do not mind, people reading curl's output
    // do.
    if (const auto end = body.find("?>"); end != std::string::npos) {
        body.insert(end + 2, "\n");
    }
    return text_answer(status, "application/xml", std::move(body));
}

} // namespace countersign::proxy::sandbox
