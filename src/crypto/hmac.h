// HMAC over SHA-256 (fast, keyed once), SHA-384 and SHA-512.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/sha256.h"
#include "crypto/sha512.h"

namespace salus::crypto {

// HmacSha256Key holds the two SHA-256 states that the key leads to, so that a short message costs
// two compressions and no allocation.
//
// Source:  RFC 2104, FIPS 198-1.
// Shape:   key of any length; keys over 64 bytes are hashed first, as the standard says.
// Threads: immutable, safe to share. Wiped when destroyed and when moved from.
class HmacSha256Key {
 public:
  explicit HmacSha256Key(ByteSpan key);
  explicit HmacSha256Key(const SecretArray<32>& key);
  explicit HmacSha256Key(const SecretBytes& key);
  HmacSha256Key(HmacSha256Key&& other) noexcept;
  HmacSha256Key& operator=(HmacSha256Key&& other) noexcept;
  HmacSha256Key(const HmacSha256Key&) = delete;
  HmacSha256Key& operator=(const HmacSha256Key&) = delete;
  ~HmacSha256Key();

  Hash32 Mac(ByteSpan message) const;
  Hash32 Mac(std::initializer_list<ByteSpan> parts) const;

  // MacSecret is Mac for an output that is a key itself.
  SecretArray<32> MacSecret(std::initializer_list<ByteSpan> parts) const;

 private:
  friend void HmacSha256Many(std::span<const HmacSha256Key* const>, std::span<const ByteSpan>,
                             std::span<Hash32>);
  friend void HmacSha256Many(std::span<const HmacSha256Key* const>, std::span<const ByteSpan>,
                             std::span<SecretArray<32>>);
  template <typename OutOf>
  static void Many(std::span<const HmacSha256Key* const> keys, std::span<const ByteSpan> messages,
                   const OutOf& out_of);
  void Absorb(ByteSpan key);
  void Wipe();

  std::array<std::uint32_t, 8> inner_{};
  std::array<std::uint32_t, 8> outer_{};
  std::array<std::uint8_t, 64> block_{};  // the padded key, read only where the CPU lacks SHA-NI
};

// HmacSha256Many computes out[i] = HMAC(*keys[i], messages[i]), three at a time in one core.
//
// Shape: three spans of the same size, a CHECK; no key is null.
void HmacSha256Many(std::span<const HmacSha256Key* const> keys, std::span<const ByteSpan> messages,
                    std::span<Hash32> out);
// The same for outputs that are keys themselves.
void HmacSha256Many(std::span<const HmacSha256Key* const> keys, std::span<const ByteSpan> messages,
                    std::span<SecretArray<32>> out);

// HmacSha384 and HmacSha512 are HMAC over the parts one after another.
//
// Source: RFC 2104, FIPS 198-1.
// Shape:  at most four parts, a CHECK.
Hash48 HmacSha384(ByteSpan key, std::initializer_list<ByteSpan> parts);
Hash64 HmacSha512(ByteSpan key, std::initializer_list<ByteSpan> parts);
Hash64 HmacSha512(const SecretArray<32>& key, std::initializer_list<ByteSpan> parts);

}  // namespace salus::crypto
