// P-384 signatures, verified only: certificates of others may carry them.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::crypto {

// P384PublicKey verifies ECDSA with SHA-384.
//
// Source:  FIPS 186-5, SEC 1 version 2.
// Shape:   97 bytes 04 || x || y, or 49 bytes compressed; signatures as DER ECDSA-Sig-Value.
// Threads: immutable, safe to share.
class P384PublicKey {
 public:
  // Errors: InvalidArgument unless bytes is a point of the curve.
  static Result<P384PublicKey> FromSec1(ByteSpan bytes);

  // Errors: VerificationFailed, whatever is wrong.
  Result<void> VerifyDer(ByteSpan message, ByteSpan signature) const;

 private:
  struct State;
  explicit P384PublicKey(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace salus::crypto
