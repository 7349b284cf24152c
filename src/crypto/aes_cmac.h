// AES-CMAC.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::crypto {

// AesCmac is the 128-bit tag over the parts one after another. Compare with ConstantTimeEqual.
//
// Source: NIST SP 800-38B, RFC 4493.
// Errors: InvalidArgument unless the key has 16, 24 or 32 bytes.
Result<std::array<std::uint8_t, 16>> AesCmac(ByteSpan key, std::initializer_list<ByteSpan> parts);

// AesCmacStream is the same over data that arrives in pieces.
//
// Source: NIST SP 800-38B, RFC 4493.
class AesCmacStream {
 public:
  // Errors: InvalidArgument unless the key has 16, 24 or 32 bytes.
  static Result<AesCmacStream> Create(ByteSpan key);

  AesCmacStream(AesCmacStream&&) noexcept;
  AesCmacStream& operator=(AesCmacStream&&) noexcept;
  ~AesCmacStream();

  void Update(ByteSpan piece);
  // Finish is called once, last.
  std::array<std::uint8_t, 16> Finish();

 private:
  struct Context;
  explicit AesCmacStream(std::unique_ptr<Context> context);
  std::unique_ptr<Context> context_;
};

}  // namespace salus::crypto
