// AES key wrap, without and with padding.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::crypto {

// AesKeyWrapper wraps and unwraps keys under one key-encryption key.
//
// Source:  RFC 3394 (Wrap) and RFC 5649 (WrapPadded); NIST SP 800-38F.
// Shape:   kek of 16 or 32 bytes. Wrap: 16 to 4,096 bytes, a multiple of 8; the result is 8 longer.
//          WrapPadded: 1 to 4,096 bytes, padded to a multiple of 8, plus 8.
// Threads: the contexts are state: one object a thread.
class AesKeyWrapper {
 public:
  // Errors: InvalidArgument for a kek of another size.
  static Result<AesKeyWrapper> Create(ByteSpan kek);
  static AesKeyWrapper Create(const SecretArray<32>& kek);

  AesKeyWrapper(AesKeyWrapper&&) noexcept;
  AesKeyWrapper& operator=(AesKeyWrapper&&) noexcept;
  ~AesKeyWrapper();

  // Errors: InvalidArgument when the key's length is outside of Shape.
  Result<Bytes> Wrap(ByteSpan key);
  Result<Bytes> Wrap(const SecretArray<32>& key);
  Result<Bytes> WrapPadded(ByteSpan key);

  // Errors: VerificationFailed, whatever is wrong.
  Result<SecretBytes> Unwrap(ByteSpan wrapped);
  Result<SecretBytes> UnwrapPadded(ByteSpan wrapped);

 private:
  struct Contexts;
  explicit AesKeyWrapper(std::unique_ptr<Contexts> contexts);
  std::unique_ptr<Contexts> contexts_;
};

// AesKeyWrap and its companions are AesKeyWrapper for a kek that is used once (ECDH-ES+A256KW).
// They reuse a context of the calling thread, which holds no key afterwards.
//
// Errors: as AesKeyWrapper.
Result<Bytes> AesKeyWrap(ByteSpan kek, ByteSpan key);
Result<Bytes> AesKeyWrap(const SecretArray<32>& kek, const SecretArray<32>& key);
Result<SecretBytes> AesKeyUnwrap(ByteSpan kek, ByteSpan wrapped);
Result<SecretBytes> AesKeyUnwrap(const SecretArray<32>& kek, ByteSpan wrapped);
Result<Bytes> AesKeyWrapPadded(ByteSpan kek, ByteSpan key);
Result<SecretBytes> AesKeyUnwrapPadded(ByteSpan kek, ByteSpan wrapped);

}  // namespace salus::crypto
