// Dates of HTTP's header fields.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace salus::http {

// FormatDate is "Sun, 06 Nov 1994 08:49:37 GMT".
//
// Source: RFC 9110 section 5.6.7, IMF-fixdate.
// Shape:  29 characters, cut to whole seconds; for the years 1970 to 9999.
std::string FormatDate(Timestamp time);

// DateText is FormatDate of the system clock's now. The view is good until the thread's next call.
std::string_view DateText();

}  // namespace salus::http
