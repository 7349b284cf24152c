// Instants and days as text.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace salus::codec {

// ParseRfc3339 reads an instant with an offset.
//
// Source: RFC 3339 section 5.6, which is also a FHIR instant. Narrower: no space for the T (the
//         RFC's readability note), no leap second (second 60: our timestamps have none), at most 9
//         digits of fraction, cut to milliseconds. Lower-case t and z are read, as the RFC asks.
// Shape:  YYYY-MM-DDThh:mm:ss[.f]Z or +hh:mm or -hh:mm; years 0001 to 9999, in UTC too. -00:00 is
//         read as UTC.
// Errors: InvalidArgument naming the part that is wrong.
Result<Timestamp> ParseRfc3339(std::string_view text);

// FormatRfc3339 always writes UTC with milliseconds, 24 characters: 2026-11-20T09:30:00.000Z.
// A time outside the years 1 to 9999 is written with a sign and more digits (ISO 8601 expanded), so
// that no time aborts the program; ParseRfc3339 refuses that form.
std::string FormatRfc3339(Timestamp time);

// ParseDay reads YYYY-MM-DD, years 0001 to 9999.
//
// Source: RFC 3339 section 5.6, full-date.
// Errors: InvalidArgument.
Result<Day> ParseDay(std::string_view text);

// FormatDay writes YYYY-MM-DD; outside the years 1 to 9999 as FormatRfc3339 does.
std::string FormatDay(Day day);

}  // namespace salus::codec
