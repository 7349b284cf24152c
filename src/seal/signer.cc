#include "seal/signer.h"

#include "codec/base64.h"
#include "codec/hex.h"
#include "crypto/sha256.h"

namespace salus::seal {
namespace {

constexpr jose::SignatureAlgorithm kAlgorithms[] = {jose::SignatureAlgorithm::kEs256,
                                                    jose::SignatureAlgorithm::kPs256,
                                                    jose::SignatureAlgorithm::kEdDsa};

jose::Jwk JwkOf(const crypto::PublicKey& key) {
  return std::visit([](const auto& one) { return jose::Jwk(one); }, key);
}

Result<std::vector<pki::Certificate>> ReadChain(const codec::JsonArray& items) {
  if (items.empty() || items.size() > pki::kMaxChainLength) {
    return InvalidArgument("x5c: 1 to 16 certificates");
  }
  std::vector<pki::Certificate> out;
  for (const codec::Json& item : items) {
    if (!item.is_string()) return InvalidArgument("x5c: must hold texts");
    TRY(const Bytes der, codec::Base64Decode(item.as_string()));
    TRY(pki::Certificate certificate, pki::Certificate::FromDer(der));
    out.push_back(std::move(certificate));
  }
  return out;
}

Result<ClaimedSigner> ReadMembers(const codec::JsonObject& header) {
  ClaimedSigner out;
  TRY(const codec::JsonArray* chain, codec::OptionalArrayAt(header, "x5c"));
  TRY(const codec::JsonObject* jwk, codec::OptionalObjectAt(header, "jwk"));
  if (chain != nullptr) {
    TRY(out.certificates, ReadChain(*chain));
    TRY(out.key, out.certificates.front().public_key());
  }
  if (jwk != nullptr) {
    TRY(const jose::Jwk read, jose::Jwk::FromJson(*jwk));
    TRY(crypto::PublicKey key, VerifyingKeyOf(read));
    if (out.key && !SameKey(*out.key, key)) return InvalidArgument("x5c and jwk name two keys");
    out.key = std::move(key);
  }
  return out;
}

Error NotForSigning() {
  return InvalidArgument(
      "the JWK is not for signatures: keys P-256, Ed25519 and RSA are, where use, key_ops or alg "
      "do not say otherwise");
}

}  // namespace

jose::SignatureAlgorithm AlgorithmOf(const crypto::PrivateKey& key) {
  if (std::holds_alternative<crypto::P256PrivateKey>(key)) return jose::SignatureAlgorithm::kEs256;
  if (std::holds_alternative<crypto::RsaPrivateKey>(key)) return jose::SignatureAlgorithm::kPs256;
  return jose::SignatureAlgorithm::kEdDsa;
}

jose::SigningKeyView ViewOf(const crypto::PrivateKey& key) {
  return std::visit([](const auto& one) { return jose::SigningKeyView(one); }, key);
}
jose::VerificationKeyView ViewOf(const crypto::PublicKey& key) {
  return std::visit([](const auto& one) { return jose::VerificationKeyView(one); }, key);
}

Result<crypto::PublicKey> VerifyingKeyOf(const jose::Jwk& jwk) {
  for (const jose::SignatureAlgorithm algorithm : kAlgorithms) {
    const auto view = jwk.ForVerifying(algorithm);
    if (!view) continue;
    if (const auto* p256 = view->As<crypto::P256PublicKey>()) return crypto::PublicKey(*p256);
    if (const auto* rsa = view->As<crypto::RsaPublicKey>()) return crypto::PublicKey(*rsa);
    if (const auto* ed25519 = view->As<crypto::Ed25519PublicKey>()) {
      return crypto::PublicKey(*ed25519);
    }
  }
  return NotForSigning();
}

Result<crypto::PrivateKey> SigningKeyOf(const jose::Jwk& jwk) {
  for (const jose::SignatureAlgorithm algorithm : kAlgorithms) {
    const auto view = jwk.ForSigning(algorithm);
    if (!view) continue;
    if (const auto* p256 = view->As<crypto::P256PrivateKey>()) {
      return crypto::PrivateKey(p256->Clone());
    }
    if (const auto* rsa = view->As<crypto::RsaPrivateKey>()) {
      return crypto::PrivateKey(rsa->Clone());
    }
    if (const auto* ed25519 = view->As<crypto::Ed25519PrivateKey>()) {
      return crypto::PrivateKey(ed25519->Clone());
    }
  }
  return NotForSigning();
}

Result<codec::JsonObject> SignerHeader(const Signer& signer) {
  const crypto::PublicKey key = crypto::PublicKeyOf(signer.key);
  const jose::Jwk jwk = JwkOf(key);
  codec::JsonObject header;
  TRY(const crypto::Hash32 thumbprint, jwk.Thumbprint());
  header["kid"] = codec::Base64UrlEncode(thumbprint);
  if (signer.chain.empty()) {
    TRY(header["jwk"], jwk.PublicJson());
    return header;
  }
  TRY(const crypto::PublicKey certified, signer.chain.front().public_key());
  if (!SameKey(certified, key)) {
    return InvalidArgument("the first certificate is not the signing key's");
  }
  codec::JsonArray chain;
  for (const pki::Certificate& certificate : signer.chain) {
    chain.emplace_back(codec::Base64Encode(certificate.der()));
  }
  header["x5c"] = std::move(chain);
  return header;
}

Result<ClaimedSigner> ReadSigner(const codec::JsonObject& header) {
  Result<ClaimedSigner> read = ReadMembers(header);
  if (!read) return VerificationFailed("the signature's header: " + read.error().message);
  return read;
}

bool SameKey(const crypto::PublicKey& a, const crypto::PublicKey& b) {
  return Equal(crypto::EncodePublicKeyDer(a), crypto::EncodePublicKeyDer(b));
}

std::string KeyFingerprint(const crypto::PublicKey& key) {
  return codec::HexEncode(crypto::Sha256(crypto::EncodePublicKeyDer(key)));
}

}  // namespace salus::seal
