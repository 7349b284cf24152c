// AES-GCM: AesGcm keeps one key, AesGcmRekey takes a new key with each message.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::crypto {

inline constexpr std::size_t kGcmNonceSize = 12;
inline constexpr std::size_t kGcmTagSize = 16;
using GcmNonce = std::span<const std::uint8_t, kGcmNonceSize>;

// AesGcm seals and opens many messages under one key. The caller never repeats a nonce.
//
// Source:  NIST SP 800-38D, RFC 5116. Nonces of other than 96 bits are refused by type.
// Shape:   key of 16 or 32 bytes; out = ciphertext || tag of 16 bytes.
// Threads: the context is state: one object a thread.
class AesGcm {
 public:
  // Errors: InvalidArgument for a key of another size (AES-192 is refused).
  static Result<AesGcm> Create(ByteSpan key);
  static AesGcm Create(const SecretArray<32>& key);

  AesGcm(AesGcm&&) noexcept;
  AesGcm& operator=(AesGcm&&) noexcept;
  ~AesGcm();

  // Seal writes plaintext.size() + 16 bytes; out has exactly that size (a CHECK) and may begin
  // where plaintext begins.
  void Seal(GcmNonce nonce, ByteSpan aad, ByteSpan plaintext, MutableByteSpan out);

  // Open writes sealed.size() - 16 bytes; out has exactly that size and may begin where sealed
  // begins. On failure out is wiped.
  //
  // Errors: VerificationFailed, whatever is wrong, also when sealed is shorter than a tag.
  Result<void> Open(GcmNonce nonce, ByteSpan aad, ByteSpan sealed, MutableByteSpan out);

 private:
  struct Context;
  explicit AesGcm(std::unique_ptr<Context> context);
  std::unique_ptr<Context> context_;
};

// AesGcmRekey seals and opens each message under a key of its own (256 bits), where AesGcm would
// spend more on the key than on the message. Nothing of the last key outlives the object.
//
// Source:  NIST SP 800-38D. libsodium where the CPU has AES instructions, else OpenSSL.
// Shape:   as AesGcm.
// Threads: one object a thread.
class AesGcmRekey {
 public:
  AesGcmRekey();
  AesGcmRekey(AesGcmRekey&&) noexcept;
  AesGcmRekey& operator=(AesGcmRekey&&) noexcept;
  ~AesGcmRekey();

  void Seal(std::span<const std::uint8_t, 32> key, GcmNonce nonce, ByteSpan aad, ByteSpan plaintext,
            MutableByteSpan out);
  void Seal(const SecretArray<32>& key, GcmNonce nonce, ByteSpan aad, ByteSpan plaintext,
            MutableByteSpan out);

  // Errors: VerificationFailed, whatever is wrong; out is wiped.
  Result<void> Open(std::span<const std::uint8_t, 32> key, GcmNonce nonce, ByteSpan aad,
                    ByteSpan sealed, MutableByteSpan out);
  Result<void> Open(const SecretArray<32>& key, GcmNonce nonce, ByteSpan aad, ByteSpan sealed,
                    MutableByteSpan out);

 private:
  struct Context;
  std::unique_ptr<Context> context_;  // null: libsodium needs none
};

}  // namespace salus::crypto
