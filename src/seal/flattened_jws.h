// FlattenedJws is the JSON form of a JWS with one signature.
//
// Source: RFC 7515 section 7.2.2. An unprotected "header" is passed over: what is not signed is not
//         believed.
// Shape:  a JSON object of at most kMaxFlattenedBytes; "payload" is missing where the payload
// stands
//         elsewhere (appendix F).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace salus::seal {

inline constexpr std::size_t kMaxFlattenedBytes = 64 * 1024;

enum class JwsPayload { kInside, kDetached };

// FlattenJws turns a compact or detached token into it.
std::string FlattenJws(std::string_view token);

// UnflattenJws is the inverse: header.payload.signature, or header..signature.
//
// Errors: VerificationFailed, with what is wrong: it comes with what is to be verified.
Result<std::string> UnflattenJws(std::string_view json, JwsPayload payload);

}  // namespace salus::seal
