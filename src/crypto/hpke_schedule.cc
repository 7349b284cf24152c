#include "crypto/hpke_schedule.h"

#include <algorithm>

#include "base/check.h"
#include "base/endian.h"
#include "crypto/hmac.h"
#include "crypto/secret_mint.h"

namespace salus::crypto {

namespace {

constexpr std::string_view kVersion = "HPKE-v1";

// ExtractAndExpand makes the shared secret of what Diffie-Hellman gave.
SecretArray<32> SharedSecret(HpkeKem kem, ByteSpan dh, ByteSpan kem_context) {
  const HpkeLabels labels(kem);
  const SecretArray<32> prk = labels.Extract({}, "eae_prk", dh);
  SecretArray<32> secret;
  labels.Expand(prk, "shared_secret", kem_context, secret.mutable_view(CryptoSecrets::Token()));
  return secret;
}

// Dh is one agreement, or two one after another in the authenticated modes.
class Dh {
 public:
  void Add(const SecretArray<32>& secret) {
    const auto to = bytes_.mutable_view(CryptoSecrets::Token()).subspan(size_, 32);
    std::ranges::copy(secret.view(CryptoSecrets::Token()), to.begin());
    size_ += 32;
  }
  ByteSpan view() const { return bytes_.view(CryptoSecrets::Token()).first(size_); }

 private:
  SecretArray<64> bytes_;
  std::size_t size_ = 0;
};

}  // namespace

HpkeLabels::HpkeLabels(HpkeKem kem) : size_(5) {
  std::memcpy(suite_.data(), "KEM", 3);
  StoreBe(suite_.data() + 3, static_cast<std::uint16_t>(kem));
}

HpkeLabels::HpkeLabels(HpkeKem kem, HpkeAead aead) : size_(10) {
  std::memcpy(suite_.data(), "HPKE", 4);
  StoreBe(suite_.data() + 4, static_cast<std::uint16_t>(kem));
  StoreBe(suite_.data() + 6, static_cast<std::uint16_t>(HpkeKdf::kHkdfSha256));
  StoreBe(suite_.data() + 8, static_cast<std::uint16_t>(aead));
}

SecretArray<32> HpkeLabels::Extract(ByteSpan salt, std::string_view label, ByteSpan ikm) const {
  return HmacSha256Key(salt).MacSecret({AsBytes(kVersion), suite(), AsBytes(label), ikm});
}

void HpkeLabels::Expand(const SecretArray<32>& prk, std::string_view label, ByteSpan info,
                        MutableByteSpan out) const {
  CHECK(out.size() <= std::size_t{255} * 32);
  const HmacSha256Key key(prk);
  std::uint8_t length[2];
  StoreBe(length, static_cast<std::uint16_t>(out.size()));
  SecretArray<32> block;
  ByteSpan previous;
  for (std::uint8_t counter = 1; !out.empty(); ++counter) {
    block = key.MacSecret({previous, length, AsBytes(kVersion), suite(), AsBytes(label), info,
                           ByteSpan(&counter, 1)});
    previous = block.view(CryptoSecrets::Token());
    const std::size_t take = std::min<std::size_t>(out.size(), 32);
    std::memcpy(out.data(), previous.data(), take);
    out = out.subspan(take);
  }
}

Result<HpkeShared> HpkeEncapsulate(const HpkePublicKey& to, const HpkePrivateKey* sender,
                                   RandomSource& random) {
  const HpkePrivateKey ephemeral = HpkePrivateKey::Generate(to.kem(), random);
  Dh dh;
  TRY(const SecretArray<32> first, ephemeral.Agree(to));
  dh.Add(first);
  Bytes encapsulated_key = ephemeral.public_key().Encode();
  Bytes kem_context = encapsulated_key;
  Append(kem_context, to.Encode());
  if (sender != nullptr) {
    TRY(const SecretArray<32> second, sender->Agree(to));
    dh.Add(second);
    Append(kem_context, sender->public_key().Encode());
  }
  return HpkeShared{SharedSecret(to.kem(), dh.view(), kem_context), std::move(encapsulated_key)};
}

Result<SecretArray<32>> HpkeDecapsulate(const HpkePrivateKey& key, ByteSpan encapsulated_key,
                                        const HpkePublicKey* sender) {
  const auto ephemeral = HpkePublicKey::Parse(key.kem(), encapsulated_key);
  if (!ephemeral.has_value()) return VerificationFailed("sealed data does not open");
  Dh dh;
  const auto first = key.Agree(*ephemeral);
  if (!first.has_value()) return VerificationFailed("sealed data does not open");
  dh.Add(*first);
  Bytes kem_context = ToBytes(encapsulated_key);
  Append(kem_context, key.public_key().Encode());
  if (sender != nullptr) {
    TRY(const SecretArray<32> second, key.Agree(*sender));
    dh.Add(second);
    Append(kem_context, sender->Encode());
  }
  return SharedSecret(key.kem(), dh.view(), kem_context);
}

std::size_t HpkeKeySize(HpkeAead aead) {
  switch (aead) {
    case HpkeAead::kAes128Gcm:
      return 16;
    case HpkeAead::kAes256Gcm:
    case HpkeAead::kChaCha20Poly1305:
      return 32;
    case HpkeAead::kExportOnly:
      return 0;
  }
  CHECK(false);
}

std::array<std::uint8_t, 65> HpkeScheduleContext(HpkeKem kem, HpkeAead aead, std::uint8_t mode,
                                                 ByteSpan psk_id, ByteSpan info) {
  const HpkeLabels labels(kem, aead);
  std::array<std::uint8_t, 65> context;
  context[0] = mode;
  const SecretArray<32> psk_id_hash = labels.Extract({}, "psk_id_hash", psk_id);
  const SecretArray<32> info_hash = labels.Extract({}, "info_hash", info);
  std::memcpy(context.data() + 1, psk_id_hash.view(CryptoSecrets::Token()).data(), 32);
  std::memcpy(context.data() + 33, info_hash.view(CryptoSecrets::Token()).data(), 32);
  return context;
}

SecretArray<32> HpkeScheduleSecret(const HpkeLabels& labels, const SecretArray<32>& shared,
                                   const SecretBytes* psk) {
  return labels.Extract(shared.view(CryptoSecrets::Token()), "secret",
                        psk == nullptr ? ByteSpan() : psk->view(CryptoSecrets::Token()));
}

HpkeKeys HpkeSchedule(const HpkeLabels& labels, HpkeAead aead, const SecretArray<32>& secret,
                      ByteSpan context) {
  HpkeKeys keys;
  if (aead != HpkeAead::kExportOnly) {
    labels.Expand(secret, "key", context,
                  keys.key.mutable_view(CryptoSecrets::Token()).first(HpkeKeySize(aead)));
    labels.Expand(secret, "base_nonce", context, keys.base_nonce);
  }
  labels.Expand(secret, "exp", context, keys.exporter_secret.mutable_view(CryptoSecrets::Token()));
  return keys;
}

}  // namespace salus::crypto
