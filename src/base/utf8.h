#pragma once

#include <string_view>

namespace salus {

// IsValidUtf8 says whether text is well-formed UTF-8.
//
// Source: Unicode 15 table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsValidUtf8(std::string_view text);

}  // namespace salus
