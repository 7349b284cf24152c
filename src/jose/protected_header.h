// Reading and writing protected headers, common to JWS and JWE. Not a public header.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/json.h"

namespace salus::jose {

inline constexpr std::size_t kMaxHeaderBytes = 16 * 1024;

// SplitCompact cuts a compact token at its dots.
// Errors: InvalidArgument unless there are exactly N parts.
template <std::size_t N>
Result<std::array<std::string_view, N>> SplitCompact(std::string_view token) {
  std::array<std::string_view, N> parts;
  for (std::size_t i = 0; i + 1 < N; ++i) {
    const std::size_t dot = token.find('.');
    if (dot == std::string_view::npos) return InvalidArgument("the token has too few parts");
    parts[i] = token.substr(0, dot);
    token.remove_prefix(dot + 1);
  }
  if (token.find('.') != std::string_view::npos) {
    return InvalidArgument("the token has too many parts");
  }
  parts[N - 1] = token;
  return parts;
}

// DecodeHeader reads the base64url form of a JSON object.
//
// Source: RFC 7515 section 4, RFC 7516 section 4; a repeated member is refused.
// Shape:  at most kMaxHeaderBytes of base64url.
// Errors: InvalidArgument.
Result<codec::JsonObject> DecodeHeader(std::string_view base64url);

// EncodeHeader is its inverse.
std::string EncodeHeader(const codec::JsonObject& header);

// CheckCritical refuses a `crit` that is malformed or names a parameter not in known.
//
// Source: RFC 7515 section 4.1.11.
// Errors: InvalidArgument.
Result<void> CheckCritical(const codec::JsonObject& header,
                           std::span<const std::string_view> known);

}  // namespace salus::jose
