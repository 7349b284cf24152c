// JSON Web Keys and sets of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "codec/json.h"
#include "crypto/sha256.h"
#include "jose/algorithm.h"
#include "jose/key_view.h"

namespace salus::jose {

// JwkUse is the `use` member.
enum class JwkUse : std::uint8_t { kSignature, kEncryption };

// Jwk is one key, public, private or symmetric, with what its owner says that it is for.
//
// Source: RFC 7517, RFC 7518 section 6, RFC 8037 section 2; thumbprint RFC 7638.
// Shape:  at most 16 KiB of JSON. kty EC with P-256, OKP with Ed25519 or X25519, RSA of 2048 to
//         8192 bits with all CRT members in private keys (no multi-prime), oct of 16 bytes or more.
//         Coordinates have their full length; big integers have no leading zero byte. Members that
//         are not known are ignored, as the RFC asks; duplicates are refused.
// Errors: InvalidArgument names the member, never its value. A point off the curve, a public part
//         that is not the private part's, `use` or `key_ops` or `alg` that contradict the key or
//         each other are refused, and so is an RSA key with the ROCA weakness.
class Jwk {
 public:
  using Material =
      std::variant<crypto::P256PublicKey, crypto::P256PrivateKey, crypto::Ed25519PublicKey,
                   crypto::Ed25519PrivateKey, crypto::X25519PublicKey, crypto::X25519PrivateKey,
                   crypto::RsaPublicKey, crypto::RsaPrivateKey, SecretBytes>;

  static Result<Jwk> Parse(std::string_view text);
  // FromJson wipes the private members of value once they are read.
  static Result<Jwk> FromJson(codec::Json value);
  explicit Jwk(Material material) : material_(std::move(material)) {}

  const Material& material() const { return material_; }
  bool is_private() const;
  bool is_symmetric() const { return std::holds_alternative<SecretBytes>(material_); }

  const std::optional<std::string>& key_id() const { return key_id_; }
  const std::optional<std::string>& algorithm() const { return algorithm_; }
  std::optional<JwkUse> use() const { return use_; }
  void set_key_id(std::string key_id) { key_id_ = std::move(key_id); }
  void set_use(JwkUse use) { use_ = use; }
  void set_algorithm(SignatureAlgorithm algorithm);
  void set_algorithm(KeyManagement algorithm);

  // PublicJson is the public half, also of a private key, members in RFC 7638 order.
  // Errors: FailedPrecondition for a symmetric key, which has none.
  Result<codec::Json> PublicJson() const;

  // PrivateJson is the whole key as JSON text.
  // Errors: FailedPrecondition for a public key.
  Result<SecretBytes> PrivateJson() const;

  // ToPublic is the public half as a key of its own.
  // Errors: FailedPrecondition for a symmetric key.
  Result<Jwk> ToPublic() const;

  // Thumbprint is SHA-256 over the required members of the public key (k of a symmetric one).
  Result<crypto::Hash32> Thumbprint() const;

  // The views check the key's type, `use`, `key_ops` and `alg` against what it is wanted for.
  // Errors: FailedPrecondition when this key may not serve.
  Result<SigningKeyView> ForSigning(SignatureAlgorithm algorithm) const;
  Result<VerificationKeyView> ForVerifying(SignatureAlgorithm algorithm) const;
  Result<EncryptionKeyView> ForEncrypting(KeyManagement algorithm) const;
  Result<DecryptionKeyView> ForDecrypting(KeyManagement algorithm) const;

 private:
  Result<void> ReadPurpose(const codec::JsonObject& members);
  Result<void> CheckPurpose(JwkUse use, std::uint8_t operations, std::string_view algorithm) const;
  codec::JsonArray Operations(bool public_half) const;

  Material material_;
  std::optional<std::string> key_id_;
  std::optional<std::string> algorithm_;
  std::optional<JwkUse> use_;
  std::optional<std::uint8_t> operations_;  // bits of jwk_purpose.h; absent when key_ops is
};

// JwkSet is a key set whose members can be told apart.
//
// Source: RFC 7517 section 5.
// Shape:  1 to 64 keys. Keys of a type or curve that is not known are skipped, as the RFC asks;
//         every other fault refuses the set. Two keys with one kid, and symmetric keys beside
//         asymmetric ones, are refused: both have led to key confusion.
// Errors: InvalidArgument with the index of the key.
class JwkSet {
 public:
  static Result<JwkSet> Parse(std::string_view text);
  static Result<JwkSet> FromJson(codec::Json value);

  const std::vector<Jwk>& keys() const { return keys_; }
  // Find returns the key with this kid, or null; without kid the only key, or null.
  const Jwk* Find(std::optional<std::string_view> key_id) const;

 private:
  std::vector<Jwk> keys_;
};

}  // namespace salus::jose
