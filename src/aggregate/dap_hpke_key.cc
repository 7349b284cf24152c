#include "aggregate/dap_hpke_key.h"

namespace salus::aggregate {

DapHpkeKey DapHpkeKey::Generate(std::uint8_t config_id, RandomSource& random) {
  constexpr auto kKem = crypto::HpkeKem::kX25519HkdfSha256;
  constexpr auto kAead = crypto::HpkeAead::kAes128Gcm;
  crypto::HpkePrivateKey key = crypto::HpkePrivateKey::Generate(kKem, random);
  DapHpkeConfig config = {
      .id = config_id,
      .kem_id = static_cast<std::uint16_t>(kKem),
      .kdf_id = static_cast<std::uint16_t>(crypto::HpkeKdf::kHkdfSha256),
      .aead_id = static_cast<std::uint16_t>(kAead),
      .public_key = key.public_key().Encode(),
  };
  return DapHpkeKey(std::move(config), std::move(key), kAead);
}

Result<DapHpkeKey> DapHpkeKey::Load(const DapHpkeConfig& config,
                                    const SecretArray<32>& private_key) {
  TRY(const crypto::HpkeKem kem, crypto::ParseHpkeKem(config.kem_id));
  TRY_VOID(crypto::ParseHpkeKdf(config.kdf_id));
  TRY(const crypto::HpkeAead aead, crypto::ParseHpkeAead(config.aead_id));
  if (aead == crypto::HpkeAead::kExportOnly) {
    return InvalidArgument("HPKE config: export-only seals nothing");
  }
  TRY(crypto::HpkePrivateKey key, crypto::HpkePrivateKey::FromBytes(kem, private_key));
  if (!Equal(key.public_key().Encode(), config.public_key)) {
    return InvalidArgument("HPKE config: the private key beside it is another one's");
  }
  return DapHpkeKey(config, std::move(key), aead);
}

Result<SecretBytes> DapHpkeKey::Open(ByteSpan info, ByteSpan aad,
                                     const HpkeCiphertext& ciphertext) const {
  if (ciphertext.config_id != config_.id) {
    return VerificationFailed("the message is sealed to another key, or was altered");
  }
  Result<SecretBytes> plaintext =
      crypto::HpkeOpen(key_, ciphertext.enc, aead_, info, aad, ciphertext.payload);
  if (!plaintext) {
    return VerificationFailed("the message is sealed to another key, or was altered");
  }
  return plaintext;
}

}  // namespace salus::aggregate
