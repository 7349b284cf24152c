// SHA-256 of one message, of a stream, and of many independent messages at once.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>

#include "base/bytes.h"

namespace salus::crypto {

// Hash32 is an untyped SHA-256 value; modules give it a meaning with base Digest<Tag>.
using Hash32 = std::array<std::uint8_t, 32>;

// Sha256 is the hash of a message, or of its parts one after another.
//
// Source: FIPS 180-4. CPUs with the SHA extensions take our own code, all others OpenSSL.
// Shape:  any length; no allocation.
Hash32 Sha256(ByteSpan message);
Hash32 Sha256(std::initializer_list<ByteSpan> parts);

// Sha256Many hashes messages[i] into out[i]. Three messages run side by side in one core: about
// three times the rate of a loop over Sha256 for messages of a few blocks. Lengths may differ.
//
// Shape: out.size() == messages.size(), a CHECK.
void Sha256Many(std::span<const ByteSpan> messages, std::span<Hash32> out);

// Sha256ManyPrefixed hashes prefix || messages[i] (RFC 6962: 0x00 for leaves, 0x01 for nodes).
void Sha256ManyPrefixed(std::uint8_t prefix, std::span<const ByteSpan> messages,
                        std::span<Hash32> out);

// Sha256Stream hashes data that arrives in pieces (files, request bodies).
//
// Source: FIPS 180-4.
class Sha256Stream {
 public:
  Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  ~Sha256Stream();

  void Update(ByteSpan data);
  // Finish returns the hash and begins anew.
  Hash32 Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace salus::crypto
