// SHA-1, for version 5 UUIDs (RFC 9562) only: it resists no attacker.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace salus::crypto {

// Sha1 is the FIPS 180-4 SHA-1 hash. Never for signatures, tags or integrity.
std::array<std::uint8_t, 20> Sha1(ByteSpan message);

}  // namespace salus::crypto
