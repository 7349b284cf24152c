// The one place where jose mints its token for raw key bytes. Not a public header.
#pragma once

#include "base/secret.h"

namespace salus::jose {

class KeyAccess : SecretAccessMint {
 public:
  static constexpr SecretAccess Token() { return Mint(); }
};

}  // namespace salus::jose
