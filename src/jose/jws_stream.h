// StreamSigner and StreamVerifier are for detached JWS over payloads of any size: the payload comes
// in pieces, and with ES256 and PS256 only its hash is kept.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/json.h"
#include "jose/jws.h"

namespace salus::jose {

// Ed25519 reads what it signs twice, so that such a payload must fit into memory.
inline constexpr std::size_t kMaxEdDsaPayloadBytes = std::size_t{1} << 30;

class PayloadIntake;  // where the signing input goes: a hash, or memory

// StreamSigner makes header..signature, the payload as its own bytes ("b64":false).
//
// Source: RFC 7515 appendix F, RFC 7797. ES256, PS256 and EdDSA.
// Shape:  any size; EdDSA at most kMaxEdDsaPayloadBytes.
class StreamSigner {
 public:
  // Errors: InvalidArgument when key and algorithm do not belong together, for other algorithms,
  // or when header holds "alg", "b64" or "crit".
  static Result<StreamSigner> Create(SigningKeyView key, SignatureAlgorithm algorithm,
                                     const codec::JsonObject& header = {});
  StreamSigner(StreamSigner&&) noexcept;
  ~StreamSigner();

  // Errors: ResourceExhausted when an EdDSA payload is too large.
  Result<void> Update(ByteSpan payload);
  Result<std::string> Finish();

 private:
  StreamSigner(SigningKeyView key, SignatureAlgorithm algorithm, std::string header,
               std::unique_ptr<PayloadIntake> intake);

  SigningKeyView key_;  // the caller's, which outlives this
  SignatureAlgorithm algorithm_;
  std::string header_;
  std::unique_ptr<PayloadIntake> intake_;
};

// StreamVerifier checks header..signature over a payload, in the form that the header names.
//
// Source: RFC 7515 section 5.2 and appendix F, RFC 7797.
// Shape:  as StreamSigner; the token at most 32 KiB and its signature.
class StreamVerifier {
 public:
  // Errors: InvalidArgument when the token is malformed, or rules or this class refuse what its
  // header asks for.
  static Result<StreamVerifier> Create(std::string_view token, const JwsRules& rules);
  StreamVerifier(StreamVerifier&&) noexcept;
  ~StreamVerifier();

  // header is the protected header: nothing in it can be believed before Finish.
  const codec::JsonObject& header() const { return header_; }
  SignatureAlgorithm algorithm() const { return algorithm_; }

  // Errors: ResourceExhausted when an EdDSA payload is too large.
  Result<void> Update(ByteSpan payload);
  // Errors: VerificationFailed, also when the key is not of the algorithm's type.
  Result<void> Finish(VerificationKeyView key);

 private:
  StreamVerifier(SignatureAlgorithm algorithm, codec::JsonObject header, Bytes signature,
                 std::unique_ptr<PayloadIntake> intake);

  SignatureAlgorithm algorithm_;
  codec::JsonObject header_;
  Bytes signature_;
  std::unique_ptr<PayloadIntake> intake_;
};

}  // namespace salus::jose
