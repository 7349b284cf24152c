// Where tlog mints its SecretAccess token; internal to the module.
#pragma once

#include "base/secret.h"

namespace salus::tlog {

// TlogSecrets is the one place in tlog from which raw key bytes can be reached.
class TlogSecrets : private SecretAccessMint {
 public:
  static constexpr SecretAccess Token() { return Mint(); }
};

}  // namespace salus::tlog
