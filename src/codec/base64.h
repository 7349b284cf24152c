// Base64 text of RFC 4648: the standard alphabet with padding, and base64url without.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::codec {

// Base64Encode writes the standard alphabet with padding.
//
// Source: RFC 4648 section 4.
// Shape:  4 characters for each 3 bytes begun.
std::string Base64Encode(ByteSpan bytes);

// Base64Decode reads what Base64Encode writes and nothing else, so that every value has one text.
//
// Source: RFC 4648 section 4; strict as sections 3.1 to 3.5 allow: no line feeds, no missing
//         padding, unused bits zero.
// Errors: InvalidArgument, with the offset of the first character that does not belong.
Result<Bytes> Base64Decode(std::string_view text);

// Base64RawEncode writes the standard alphabet without padding, as age does; Base64RawDecode reads
// what it writes and nothing else.
//
// Source: RFC 4648 section 4; C2SP age.md, "Conventions".
// Shape:  ceil(8n / 6) characters.
// Errors: InvalidArgument: padding, another alphabet, an impossible length, unused bits not zero.
std::string Base64RawEncode(ByteSpan bytes);
Result<Bytes> Base64RawDecode(std::string_view text);

// Base64UrlEncode writes the URL-safe alphabet without padding.
//
// Source: RFC 4648 section 5, as JOSE (RFC 7515 section 2) uses it.
// Shape:  ceil(8n / 6) characters.
std::string Base64UrlEncode(ByteSpan bytes);

// Base64UrlDecode reads what Base64UrlEncode writes and nothing else.
//
// Errors: InvalidArgument: padding, another alphabet, an impossible length, unused bits not zero.
Result<Bytes> Base64UrlDecode(std::string_view text);

// Base64UrlDecodeInto decodes without a buffer of its own, for secrets: out may be a SecretBytes.
// The unused rest of out is left alone. Returns the number of bytes written.
//
// Errors: as Base64UrlDecode; InvalidArgument when out is too small.
Result<std::size_t> Base64UrlDecodeInto(std::string_view text, MutableByteSpan out);

// Base64UrlEncodeInto writes the text of bytes at out, for secrets; out needs Base64UrlSize(n).
void Base64UrlEncodeInto(ByteSpan bytes, MutableByteSpan out);

// Base64UrlSize is the length of the base64url text of n bytes.
constexpr std::size_t Base64UrlSize(std::size_t n) { return n / 3 * 4 + (n % 3 * 8 + 5) / 6; }

}  // namespace salus::codec
