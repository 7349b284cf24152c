// RSA keys to and from EVP_PKEY; internal to the module.
#pragma once

#include "base/result.h"
#include "crypto/openssl_handles.h"
#include "crypto/rsa.h"

namespace salus::crypto {

// RsaInternals lets pkcs8.cc reach the EVP_PKEY of a key.
struct RsaInternals {
  // Errors: InvalidArgument when the key is outside of the Shape of rsa.h.
  static Result<RsaPublicKey> PublicFrom(KeyPtr key);
  static Result<RsaPrivateKey> PrivateFrom(KeyPtr key);
  static EVP_PKEY* Pkey(const RsaPublicKey& key);
  static EVP_PKEY* Pkey(const RsaPrivateKey& key);
};

}  // namespace salus::crypto
