// ParseRetryAfter reads how long a server asks to be left alone.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace salus::proxy {

// kLongestWait bounds what is believed: a certificate would run out meanwhile.
inline constexpr std::chrono::seconds kLongestWait = std::chrono::days(31);

// Source: RFC 9110 section 10.2.3. Of the dates only IMF-fixdate (section 5.6.7), which every
//         server must write; the obsolete forms are not read.
// Shape:  digits, or "Sun, 06 Nov 1994 08:49:37 GMT"; the result is 0 to kLongestWait. nullopt for
//         anything else.
std::optional<std::chrono::seconds> ParseRetryAfter(std::string_view text, Timestamp now);

}  // namespace salus::proxy
