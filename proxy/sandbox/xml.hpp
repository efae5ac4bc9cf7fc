// The few things that each of the sandbox's XML answers does with pugixml. Any thread.
#pragma once

#include "proxy/sandbox/message.hpp"

#include <pugixml.hpp>

#include <string>
#include <string_view>

namespace countersign::proxy::sandbox {

// Appends <name>text</name>; the text is escaped when it is written.
inline void add_text(pugi::xml_node parent, const char* name, std::string_view text) {
    parent.append_child(name).text().set(std::string(text).c_str());
}

// With the XML declaration, without indentation: the way AWS sends it.
answer xml_answer(unsigned status, const pugi::xml_document& document);

} // namespace countersign::proxy::sandbox
