#include "crypto/password_hash.h"

#include <sodium.h>

#include "crypto/sodium_start.h"

namespace salus::crypto {

Result<void> Argon2id(ByteSpan passphrase, std::span<const std::uint8_t, 16> salt,
                      MutableByteSpan out, const Argon2idCost& cost) {
  StartSodium();
  static_assert(crypto_pwhash_argon2id_SALTBYTES == 16);
  if (out.size() < 16 || out.size() > 64) return InvalidArgument("Argon2id gives 16 to 64 bytes");
  if (cost.passes < 1 || cost.passes > 64 || cost.memory_kib < 8 ||
      cost.memory_kib > 4u * 1024 * 1024) {
    return InvalidArgument("Argon2id cost: 1 to 64 passes, 8 KiB to 4 GiB");
  }
  if (crypto_pwhash_argon2id(out.data(), out.size(),
                             reinterpret_cast<const char*>(passphrase.data()), passphrase.size(),
                             salt.data(), cost.passes, std::size_t{cost.memory_kib} * 1024,
                             crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0) {
    return ResourceExhausted("no memory for Argon2id: lower its memory or free some");
  }
  return {};
}

}  // namespace salus::crypto
