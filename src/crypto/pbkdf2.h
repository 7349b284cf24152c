// PBKDF2 for formats that prescribe it (SMART Health Links, PKCS#8); new code takes Argon2id.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::crypto {

// Pbkdf2HmacSha256 fills out with the key derived from a passphrase.
//
// Source: RFC 8018 section 5.2.
// Shape:  1 <= iterations <= 10,000,000; out not empty.
// Errors: InvalidArgument outside of that.
Result<void> Pbkdf2HmacSha256(ByteSpan passphrase, ByteSpan salt, std::uint32_t iterations,
                              MutableByteSpan out);

}  // namespace salus::crypto
