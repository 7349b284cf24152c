// KeyAccess is the one place of this module that can see key bytes: on their way between a file,
// the codec of crypto and OpenSSL.
#pragma once

#include "base/bytes.h"
#include "base/secret.h"

namespace salus::pki {

class KeyAccess : SecretAccessMint {
 public:
  static ByteSpan View(const SecretBytes& bytes) { return bytes.view(Mint()); }
  static MutableByteSpan MutableView(SecretBytes& bytes) { return bytes.mutable_view(Mint()); }
};

}  // namespace salus::pki
