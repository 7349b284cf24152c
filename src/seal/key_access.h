// The one place where seal mints its token for raw key bytes. Not a public header.
#pragma once

#include "base/secret.h"

namespace salus::seal {

class KeyAccess : SecretAccessMint {
 public:
  static constexpr SecretAccess Token() { return Mint(); }
};

}  // namespace salus::seal
