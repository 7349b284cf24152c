// AES-EAX, read and written for one old file format only; everything new is AES-GCM or
// ChaCha20-Poly1305.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::crypto {

inline constexpr std::size_t kEaxTagSize = 16;
using EaxTag = std::array<std::uint8_t, kEaxTagSize>;

// AesEaxSeal encrypts and authenticates; the result is ciphertext || tag of 16 bytes.
//
// Source: Bellare, Rogaway, Wagner: The EAX Mode of Operation (2004), with AES and a full tag.
// Shape:  key of 16, 24 or 32 bytes; a nonce of any length.
// Errors: InvalidArgument for a key of another size.
Result<Bytes> AesEaxSeal(ByteSpan key, ByteSpan nonce, ByteSpan aad, ByteSpan plaintext);

// AesEaxOpen is the inverse. The tag is checked before anything is decrypted.
//
// Errors: InvalidArgument for a key of another size; VerificationFailed for all else.
Result<SecretBytes> AesEaxOpen(ByteSpan key, ByteSpan nonce, ByteSpan aad, ByteSpan sealed);

// AesEaxStream is one message in pieces. It compares no tags: what Open gives out is authentic only
// once the caller has found that Tag is the message's, and Authenticate finds that out beforehand.
//
// Source: as AesEaxSeal.
// Shape:  as AesEaxSeal; pieces of any length; out as long as in, in place or apart.
class AesEaxStream {
 public:
  // Errors: InvalidArgument for a key of another size.
  static Result<AesEaxStream> Create(ByteSpan key, ByteSpan nonce, ByteSpan aad);

  AesEaxStream(AesEaxStream&&) noexcept;
  AesEaxStream& operator=(AesEaxStream&&) noexcept;
  ~AesEaxStream();

  void Seal(ByteSpan plaintext, MutableByteSpan out);
  void Open(ByteSpan ciphertext, MutableByteSpan out);
  // Authenticate takes ciphertext into the tag without decrypting it.
  void Authenticate(ByteSpan ciphertext);
  // Tag is called once, last. Compare with ConstantTimeEqual.
  EaxTag Tag();

 private:
  struct Context;
  explicit AesEaxStream(std::unique_ptr<Context> context);
  std::unique_ptr<Context> context_;
};

}  // namespace salus::crypto
