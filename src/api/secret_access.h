#pragma once

#include "base/secret.h"

namespace salus::api {

// ApiSecrets is the one place where this module takes the right to see raw keys: an event's own key
// is handed to the source that sent the event (protocol.md P5.1), and the server's TLS key to http.
class ApiSecrets : SecretAccessMint {
 public:
  static SecretAccess Token() { return Mint(); }
};

}  // namespace salus::api
