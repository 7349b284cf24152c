// Where crypto mints its SecretAccess token; internal to the module.
#pragma once

#include "base/secret.h"

namespace salus::crypto {

// CryptoSecrets is the one place in crypto from which raw key bytes can be reached.
class CryptoSecrets : private SecretAccessMint {
 public:
  static constexpr SecretAccess Token() { return Mint(); }
};

}  // namespace salus::crypto
