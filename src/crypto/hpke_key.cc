#include "crypto/hpke_key.h"

#include "base/check.h"
#include "crypto/hpke_schedule.h"
#include "crypto/secret_mint.h"

namespace salus::crypto {

Result<HpkeKem> ParseHpkeKem(std::uint16_t number) {
  const auto kem = static_cast<HpkeKem>(number);
  switch (kem) {
    case HpkeKem::kP256HkdfSha256:
    case HpkeKem::kX25519HkdfSha256:
      return kem;
  }
  return InvalidArgument("HPKE: the KEM is neither DHKEM(X25519) 0x0020 nor DHKEM(P-256) 0x0010");
}

Result<HpkePublicKey> HpkePublicKey::Parse(HpkeKem kem, ByteSpan bytes) {
  if (kem == HpkeKem::kX25519HkdfSha256) {
    if (bytes.size() != 32) return InvalidArgument("HPKE: an X25519 public key has 32 bytes");
    return HpkePublicKey(ToArray(bytes.first<32>()));
  }
  if (bytes.size() != 65) {
    return InvalidArgument("HPKE: a P-256 public key has 65 bytes (04 x y)");
  }
  TRY(P256PublicKey key, P256PublicKey::FromSec1(bytes));
  return HpkePublicKey(std::move(key));
}

HpkeKem HpkePublicKey::kem() const {
  return std::holds_alternative<X25519PublicKey>(key_) ? HpkeKem::kX25519HkdfSha256
                                                       : HpkeKem::kP256HkdfSha256;
}

Bytes HpkePublicKey::Encode() const {
  if (const auto* key = std::get_if<X25519PublicKey>(&key_)) return ToBytes(ByteSpan(*key));
  return ToBytes(ByteSpan(std::get<P256PublicKey>(key_).sec1()));
}

HpkePrivateKey HpkePrivateKey::From(X25519PrivateKey key) {
  HpkePublicKey public_key(key.public_key());
  return {std::move(key), std::move(public_key)};
}

HpkePrivateKey HpkePrivateKey::From(P256PrivateKey key) {
  HpkePublicKey public_key(key.public_key());
  return {std::move(key), std::move(public_key)};
}

HpkePrivateKey HpkePrivateKey::Generate(HpkeKem kem, RandomSource& random) {
  SecretArray<32> bytes;
  for (;;) {
    // A P-256 scalar is out of range once in 2^32 calls; X25519 takes any bytes.
    random.Fill(bytes.mutable_view(CryptoSecrets::Token()));
    if (auto key = FromBytes(kem, bytes); key.has_value()) return *std::move(key);
  }
}

Result<HpkePrivateKey> HpkePrivateKey::FromBytes(HpkeKem kem, const SecretArray<32>& bytes) {
  if (kem == HpkeKem::kX25519HkdfSha256) return From(X25519PrivateKey::FromBytes(bytes));
  TRY(P256PrivateKey key, P256PrivateKey::FromScalar(bytes));
  return From(std::move(key));
}

Result<HpkePrivateKey> HpkePrivateKey::Derive(HpkeKem kem, const SecretBytes& ikm) {
  if (ikm.size() < 32) {
    return InvalidArgument("HPKE: a key is derived from at least 32 bytes of key material");
  }
  const HpkeLabels labels(kem);
  const SecretArray<32> prk = labels.Extract({}, "dkp_prk", ikm.view(CryptoSecrets::Token()));
  SecretArray<32> bytes;
  if (kem == HpkeKem::kX25519HkdfSha256) {
    labels.Expand(prk, "sk", {}, bytes.mutable_view(CryptoSecrets::Token()));
    return FromBytes(kem, bytes);
  }
  for (unsigned counter = 0; counter <= 255; ++counter) {
    const auto number = static_cast<std::uint8_t>(counter);
    labels.Expand(prk, "candidate", {&number, 1}, bytes.mutable_view(CryptoSecrets::Token()));
    if (auto key = FromBytes(kem, bytes); key.has_value()) return *std::move(key);
  }
  return Internal("HPKE: no key came of 256 candidates");
}

SecretArray<32> HpkePrivateKey::bytes() const {
  if (const auto* key = std::get_if<X25519PrivateKey>(&key_)) return key->bytes();
  return std::get<P256PrivateKey>(key_).scalar();
}

Result<SecretArray<32>> HpkePrivateKey::Agree(const HpkePublicKey& peer) const {
  if (peer.kem() != kem()) {
    return InvalidArgument("HPKE: the two keys are of different mechanisms");
  }
  if (const auto* key = std::get_if<X25519PrivateKey>(&key_)) {
    return key->Agree(std::get<X25519PublicKey>(peer.key_));
  }
  return std::get<P256PrivateKey>(key_).Ecdh(std::get<P256PublicKey>(peer.key_));
}

}  // namespace salus::crypto
