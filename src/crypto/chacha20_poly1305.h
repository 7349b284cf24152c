// ChaCha20-Poly1305.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::crypto {

// ChaCha20Poly1305Seal encrypts and authenticates; the result is ciphertext || tag of 16 bytes.
//
// Source: RFC 8439, with 96-bit nonces.
Bytes ChaCha20Poly1305Seal(std::span<const std::uint8_t, 32> key,
                           std::span<const std::uint8_t, 12> nonce, ByteSpan aad,
                           ByteSpan plaintext);

// ChaCha20Poly1305Open is the inverse.
//
// Errors: VerificationFailed, whatever is wrong.
Result<Bytes> ChaCha20Poly1305Open(std::span<const std::uint8_t, 32> key,
                                   std::span<const std::uint8_t, 12> nonce, ByteSpan aad,
                                   ByteSpan sealed);

// ChaCha20Poly1305Chunks seals and opens many long messages under one key, without an allocation
// for each. The caller never repeats a nonce.
//
// Source:  RFC 8439; OpenSSL, which has vector code for more CPUs than libsodium.
// Shape:   out = ciphertext || tag of 16 bytes.
// Threads: the context is state: one object a thread.
class ChaCha20Poly1305Chunks {
 public:
  explicit ChaCha20Poly1305Chunks(const SecretArray<32>& key);
  ChaCha20Poly1305Chunks(ChaCha20Poly1305Chunks&&) noexcept;
  ChaCha20Poly1305Chunks& operator=(ChaCha20Poly1305Chunks&&) noexcept;
  ~ChaCha20Poly1305Chunks();

  // Seal writes plaintext.size() + 16 bytes; out has exactly that size, a CHECK.
  void Seal(std::span<const std::uint8_t, 12> nonce, ByteSpan plaintext, MutableByteSpan out);

  // Open writes sealed.size() - 16 bytes; out has exactly that size. On failure out is wiped.
  //
  // Errors: VerificationFailed, whatever is wrong, also when sealed is shorter than a tag.
  Result<void> Open(std::span<const std::uint8_t, 12> nonce, ByteSpan sealed, MutableByteSpan out);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace salus::crypto
