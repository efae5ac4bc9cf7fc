// What the TOML parser must not be given. Pure start-up code; throws conf::error.
#pragma once

#include <string_view>

namespace countersign::conf {

// toml++ 3.3 has undefined behaviour for some characters beyond ASCII outside of strings and comments, and behind a
// line's end in """; only failed assertions for control bytes and for table headers without a name. Those are refused
// here, with "NAME:LINE: …"; also ''' that does not stand right behind "key =".
void refuse_unparsable(std::string_view text, std::string_view name);

} // namespace countersign::conf
