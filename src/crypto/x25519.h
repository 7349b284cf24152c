// X25519 key agreement.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::crypto {

using X25519PublicKey = std::array<std::uint8_t, 32>;

// X25519PrivateKey agrees on a secret with the holder of another key.
//
// Source: RFC 7748 section 5 and 6.1; an all-zero result is refused (the peer's key has small
//         order).
// Shape:  32 bytes, little-endian, clamped when used.
class X25519PrivateKey {
 public:
  static X25519PrivateKey Generate(RandomSource& random);
  static X25519PrivateKey FromBytes(const SecretArray<32>& bytes);

  X25519PublicKey public_key() const { return public_; }
  SecretArray<32> bytes() const { return private_.Clone(); }

  // Errors: VerificationFailed when the shared secret is all zero.
  Result<SecretArray<32>> Agree(std::span<const std::uint8_t, 32> peer) const;

 private:
  X25519PrivateKey() = default;
  SecretArray<32> private_;
  X25519PublicKey public_{};
};

}  // namespace salus::crypto
