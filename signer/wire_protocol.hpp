// The forms of AWS's error answers. Any thread.
#pragma once

#include <cstdint>

namespace countersign::signer {

// In which form a service's clients expect errors.
enum class wire_protocol : std::uint8_t { text, rest_xml, query_xml, ec2_xml, json };

} // namespace countersign::signer
