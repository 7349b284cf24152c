// AES-CMAC.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::crypto {

// AesCmac is the 128-bit tag over the parts one after another. Compare with ConstantTimeEqual.
//
// Source: NIST SP 800-38B, RFC 4493.
// Errors: InvalidArgument unless the key has 16, 24 or 32 bytes.
Result<std::array<std::uint8_t, 16>> AesCmac(ByteSpan key, std::initializer_list<ByteSpan> parts);

}  // namespace salus::crypto
