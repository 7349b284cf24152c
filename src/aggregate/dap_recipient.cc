#include "aggregate/dap_recipient.h"

#include <optional>

namespace salus::aggregate {
namespace {

struct Suite {
  crypto::HpkeKem kem;
  crypto::HpkeAead aead;
};

// The algorithms of a config, nullopt when one of them is not ours.
std::optional<Suite> SuiteOf(const DapHpkeConfig& config) {
  const auto kem = crypto::ParseHpkeKem(config.kem_id);
  const auto kdf = crypto::ParseHpkeKdf(config.kdf_id);
  const auto aead = crypto::ParseHpkeAead(config.aead_id);
  if (!kem || !kdf || !aead || *aead == crypto::HpkeAead::kExportOnly) return std::nullopt;
  return Suite{*kem, *aead};
}

}  // namespace

Result<DapRecipient> DapRecipient::Create(const DapHpkeConfig& config) {
  const std::optional<Suite> suite = SuiteOf(config);
  if (!suite) return InvalidArgument("HPKE config: its algorithms are not ours");
  auto key = crypto::HpkePublicKey::Parse(suite->kem, config.public_key);
  if (!key) return std::move(key.error()).WithContext("HPKE config");
  return DapRecipient(config.id, *std::move(key), suite->aead);
}

Result<DapRecipient> DapRecipient::Choose(const HpkeConfigList& list) {
  for (const DapHpkeConfig& config : list.configs) {
    if (SuiteOf(config)) return Create(config);
  }
  return FailedPrecondition(
      "HPKE configs: none has algorithms of ours (X25519 or P-256 with HKDF-SHA256 and AES-GCM or "
      "ChaCha20-Poly1305)");
}

Result<HpkeCiphertext> DapRecipient::Seal(ByteSpan info, ByteSpan aad, const SecretBytes& plaintext,
                                          RandomSource& random) const {
  TRY(crypto::HpkeSealed sealed, crypto::HpkeSeal(key_, aead_, info, aad, plaintext, random));
  return HpkeCiphertext{.config_id = config_id_,
                        .enc = std::move(sealed.encapsulated_key),
                        .payload = std::move(sealed.ciphertext)};
}

}  // namespace salus::aggregate
