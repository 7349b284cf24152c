#pragma once

#include "base/secret.h"

namespace salus::node {

// NodeSecrets is the one place where this module takes the right to see raw keys.
class NodeSecrets : SecretAccessMint {
 public:
  static SecretAccess Token() { return Mint(); }
};

}  // namespace salus::node
