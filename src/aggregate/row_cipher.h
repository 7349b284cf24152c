// RowCipher seals the secrets that stand in the rows of a database.
//
// Source: NIST SP 800-38D (AES-256-GCM).
// Shape:  nonce of 12 random bytes, ciphertext, tag of 16; bound to the column's name and the row's
//         key, so that a sealed value opens in its own place only. An older value of the same place
//         opens too: whoever can put back an old file can put back old secrets.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/aes_gcm.h"

namespace salus::aggregate {

// RowCipher keeps one key of the data directory, for fewer than 2^32 sealed values.
//
// Threads: one at a time.
class RowCipher {
 public:
  RowCipher(const SecretArray<32>& key, RandomSource& random);

  Bytes Seal(std::string_view column, ByteSpan row, const SecretBytes& secret);
  // Errors: Corruption: it was changed, stands in another row, or the key is another directory's.
  Result<SecretBytes> Open(std::string_view column, ByteSpan row, ByteSpan sealed);

 private:
  crypto::AesGcm gcm_;
  RandomSource& random_;
};

}  // namespace salus::aggregate
