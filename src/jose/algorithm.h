// The algorithm names of JOSE as types. Callers pin what they accept; a token never chooses.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "base/result.h"

namespace salus::jose {

// SignatureAlgorithm is the `alg` of a JWS. There is no value for "none".
//
// Source: RFC 7518 section 3, RFC 8037 section 3.1. RS256 is verified, never made.
enum class SignatureAlgorithm : std::uint8_t { kEs256, kPs256, kEdDsa, kRs256, kHs256 };

// KeyManagement is the `alg` of a JWE: how the content key reaches the recipient.
//
// Source: RFC 7518 section 4, RFC 8037 section 3.2. RSA-OAEP (SHA-1) is decrypted, never made.
enum class KeyManagement : std::uint8_t {
  kEcdhEs,
  kEcdhEsA128Kw,
  kEcdhEsA256Kw,
  kRsaOaep256,
  kRsaOaep,
  kA128Kw,
  kA256Kw,
  kDirect,
};

// ContentEncryption is the `enc` of a JWE. The CBC forms are decrypted, never made.
//
// Source: RFC 7518 section 5.
enum class ContentEncryption : std::uint8_t { kA128Gcm, kA256Gcm, kA128CbcHs256, kA256CbcHs512 };

// NameOf is the registered name, e.g. "ECDH-ES+A256KW".
std::string_view NameOf(SignatureAlgorithm algorithm);
std::string_view NameOf(KeyManagement algorithm);
std::string_view NameOf(ContentEncryption encryption);

// ParseSignatureAlgorithm and its siblings read a registered name.
// Shape:  the exact name, e.g. "ES256"; upper and lower case differ.
// Errors: InvalidArgument for a name that is not in the enumeration; never echoes it.
Result<SignatureAlgorithm> ParseSignatureAlgorithm(std::string_view name);
Result<KeyManagement> ParseKeyManagement(std::string_view name);
Result<ContentEncryption> ParseContentEncryption(std::string_view name);

// KeySizeOf is the length of the content key in bytes: 16, 32 or, for A256CBC-HS512, 64.
std::size_t KeySizeOf(ContentEncryption encryption);

// AlgorithmSet is what a caller accepts: `{SignatureAlgorithm::kEs256}`.
template <typename Algorithm>
class AlgorithmSet {
 public:
  constexpr AlgorithmSet(std::initializer_list<Algorithm> members) {
    for (const Algorithm member : members) bits_ |= BitOf(member);
  }
  constexpr bool Contains(Algorithm algorithm) const { return (bits_ & BitOf(algorithm)) != 0; }

 private:
  static constexpr std::uint32_t BitOf(Algorithm a) { return 1U << static_cast<unsigned>(a); }
  std::uint32_t bits_ = 0;
};
using SignatureAlgorithms = AlgorithmSet<SignatureAlgorithm>;
using KeyManagements = AlgorithmSet<KeyManagement>;
using ContentEncryptions = AlgorithmSet<ContentEncryption>;

}  // namespace salus::jose
