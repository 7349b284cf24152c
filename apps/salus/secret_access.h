#pragma once

#include "base/secret.h"

namespace salus::cli {

// CliSecrets is the one place where the command line takes the right to see raw secrets:
// passphrases that were typed, and keys that are sealed to somebody else.
class CliSecrets : SecretAccessMint {
 public:
  static SecretAccess Token() { return Mint(); }
};

}  // namespace salus::cli
