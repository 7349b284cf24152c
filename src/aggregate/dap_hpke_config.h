// DapHpkeConfig is a public key that messages are sealed to, and how.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::aggregate {

// The numbers are those of RFC 9180 section 7, as they came: a list may hold algorithms that we do
// not know.
//
// Source: DAP-18 section 4.4.1; DAP-09 section 4.4.1.
// Shape:  id uint8; kem, kdf and aead uint16; public key 1 to 2^16-1 bytes.
// Errors: Parse gives InvalidArgument with the field and the offset.
struct DapHpkeConfig {
  std::uint8_t id = 0;
  std::uint16_t kem_id = 0;
  std::uint16_t kdf_id = 0;
  std::uint16_t aead_id = 0;
  Bytes public_key;

  static Result<DapHpkeConfig> Parse(ByteSpan bytes);
  Bytes Encode() const;

  friend bool operator==(const DapHpkeConfig&, const DapHpkeConfig&) = default;
};

// HpkeConfigList is what an aggregator offers, best first.
//
// Shape: at least one config (10 to 2^16-1 bytes after the length); no id twice.
struct HpkeConfigList {
  std::vector<DapHpkeConfig> configs;

  static Result<HpkeConfigList> Parse(ByteSpan bytes);
  Bytes Encode() const;

  friend bool operator==(const HpkeConfigList&, const HpkeConfigList&) = default;
};

}  // namespace salus::aggregate
