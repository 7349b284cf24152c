#include "crypto/scrypt.h"

#include <sodium.h>

#include "crypto/secret_mint.h"
#include "crypto/sodium_start.h"

namespace salus::crypto {

namespace {

constexpr std::uint64_t kMaxMemoryBytes = std::uint64_t{4} << 30;

}  // namespace

Result<SecretArray<32>> Scrypt(const SecretBytes& passphrase, ByteSpan salt,
                               const ScryptCost& cost) {
  if (cost.log_n < 1 || cost.log_n > 30 || cost.r == 0 || cost.p == 0 ||
      (kMaxMemoryBytes >> cost.log_n) / 128 / cost.p < cost.r) {
    return InvalidArgument("a scrypt cost outside of what is computed");
  }
  StartSodium();
  const SecretAccess token = CryptoSecrets::Token();
  const ByteSpan typed = passphrase.view(token);
  SecretArray<32> key;
  const MutableByteSpan out = key.mutable_view(token);
  if (crypto_pwhash_scryptsalsa208sha256_ll(typed.data(), typed.size(), salt.data(), salt.size(),
                                            std::uint64_t{1} << cost.log_n, cost.r, cost.p,
                                            out.data(), out.size()) != 0) {
    return ResourceExhausted("not enough memory for scrypt: it takes " +
                             std::to_string((std::uint64_t{128} << cost.log_n) * cost.r >> 20) +
                             " MiB");
  }
  return key;
}

}  // namespace salus::crypto
