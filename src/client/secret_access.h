// ClientSecrets is the one place where this module takes the right to see raw keys: an entry's own
// key on its way from an answer to the Sealer, and the TLS key on its way to the connection.
#pragma once

#include "base/secret.h"

namespace salus::client {

class ClientSecrets : SecretAccessMint {
 public:
  static SecretAccess Token() { return Mint(); }
};

}  // namespace salus::client
