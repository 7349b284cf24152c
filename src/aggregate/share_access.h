// ShareAccess is the one place in `aggregate` that mints the token to read shares, seeds and keys.
#pragma once

#include "base/secret.h"

namespace salus::aggregate {

class ShareAccess : private SecretAccessMint {
 public:
  static constexpr SecretAccess Token() { return Mint(); }
};

}  // namespace salus::aggregate
