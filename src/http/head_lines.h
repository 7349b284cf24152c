// What requests and answers have in common: the lines of a head.
//
// Source: RFC 9112 sections 2.2, 5 and 6; stricter: CR LF only, no folding, no bare CR, no NUL.
// Shape:  bounded by HeadLimits.
// Errors: CheckHeadLines returns why a head is refused, as what a server would answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/request_parser.h"

namespace salus::http {

// What stands in a first line besides the target.
inline constexpr std::size_t kMaxLineOverhead = 32;

// CheckHeadLines refuses what no honest peer sends.
std::optional<Refusal> CheckHeadLines(std::string_view head, const HeadLimits& limits);

// ParseContentLength reads up to 18 digits, and nothing else.
std::optional<std::uint64_t> ParseContentLength(std::string_view value);

// HasToken looks for a word in a comma-separated list.
bool HasToken(std::string_view list, std::string_view word);

}  // namespace salus::http
