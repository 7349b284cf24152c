// SHA-512 and SHA-384.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "base/bytes.h"

namespace salus::crypto {

using Hash48 = std::array<std::uint8_t, 48>;
using Hash64 = std::array<std::uint8_t, 64>;

// Sha512 is the hash of the parts one after another.
//
// Source: FIPS 180-4.
Hash64 Sha512(ByteSpan message);
Hash64 Sha512(std::initializer_list<ByteSpan> parts);

// Sha384 is the hash of the parts one after another.
//
// Source: FIPS 180-4.
Hash48 Sha384(ByteSpan message);
Hash48 Sha384(std::initializer_list<ByteSpan> parts);

}  // namespace salus::crypto
