#pragma once

#include "base/secret.h"

namespace salus::audit {

// AuditSecrets is the one place where this module takes the right to see raw keys.
class AuditSecrets : SecretAccessMint {
 public:
  static SecretAccess Token() { return Mint(); }
};

}  // namespace salus::audit
