// HKDF: one good secret into several independent keys.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

namespace salus::crypto {

// HkdfSha256 fills out with key material derived from ikm; HkdfSha384 and HkdfSha512 likewise.
//
// Source: RFC 5869, extract and expand; an empty salt is a string of zeros.
// Shape:  out.size() <= 255 times the hash length.
// Errors: InvalidArgument when out is longer.
Result<void> HkdfSha256(ByteSpan ikm, ByteSpan salt, ByteSpan info, MutableByteSpan out);
Result<void> HkdfSha384(ByteSpan ikm, ByteSpan salt, ByteSpan info, MutableByteSpan out);
Result<void> HkdfSha512(ByteSpan ikm, ByteSpan salt, ByteSpan info, MutableByteSpan out);

}  // namespace salus::crypto
