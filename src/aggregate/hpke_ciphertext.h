// HpkeCiphertext is a sealed message with the key it was sealed to.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::aggregate {

// Source: DAP-18 section 4.1; DAP-09 section 4.
// Shape:  config_id uint8, enc 1 to 2^16-1 bytes, payload 1 to 2^32-1 bytes.
struct HpkeCiphertext {
  std::uint8_t config_id = 0;
  Bytes enc;
  Bytes payload;

  // Errors: InvalidArgument with the field and the offset.
  static Result<HpkeCiphertext> Parse(ByteSpan bytes);
  Bytes Encode() const;

  friend bool operator==(const HpkeCiphertext&, const HpkeCiphertext&) = default;
};

}  // namespace salus::aggregate
