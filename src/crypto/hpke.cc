#include "crypto/hpke.h"

#include <limits>

#include "base/check.h"
#include "base/endian.h"
#include "crypto/evp_aead.h"
#include "crypto/hpke_schedule.h"
#include "crypto/secret_mint.h"

namespace salus::crypto {

namespace {

const EVP_CIPHER* Algorithm(HpkeAead aead) {
  static const CipherPtr aes128(EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr));
  static const CipherPtr aes256(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
  static const CipherPtr chacha20(EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr));
  CHECK(aes128 && aes256 && chacha20);
  switch (aead) {
    case HpkeAead::kAes128Gcm:
      return aes128.get();
    case HpkeAead::kAes256Gcm:
      return aes256.get();
    case HpkeAead::kChaCha20Poly1305:
      return chacha20.get();
    case HpkeAead::kExportOnly:
      break;
  }
  return nullptr;
}

// RFC 9180 section 5, table 1.
std::uint8_t ModeOf(bool has_sender, const HpkePreShared* pre_shared) {
  return static_cast<std::uint8_t>((has_sender ? 2 : 0) + (pre_shared != nullptr ? 1 : 0));
}

Result<void> CheckPreShared(const HpkePreShared* pre_shared) {
  if (pre_shared == nullptr) return {};
  if (pre_shared->id.empty()) return InvalidArgument("HPKE: the pre-shared secret has no name");
  if (pre_shared->secret->size() < 32) {
    return InvalidArgument("HPKE: a pre-shared secret has at least 32 bytes");
  }
  return {};
}

HpkeKeys KeysOf(HpkeKem kem, HpkeAead aead, const SecretArray<32>& shared, std::uint8_t mode,
                const HpkePreShared* pre_shared, ByteSpan info) {
  const HpkeLabels labels(kem, aead);
  const auto context = HpkeScheduleContext(
      kem, aead, mode, pre_shared == nullptr ? ByteSpan() : pre_shared->id, info);
  const SecretArray<32> secret =
      HpkeScheduleSecret(labels, shared, pre_shared == nullptr ? nullptr : pre_shared->secret);
  return HpkeSchedule(labels, aead, secret, context);
}

}  // namespace

Result<HpkeKdf> ParseHpkeKdf(std::uint16_t number) {
  if (number == static_cast<std::uint16_t>(HpkeKdf::kHkdfSha256)) return HpkeKdf::kHkdfSha256;
  return InvalidArgument("HPKE: the KDF is not HKDF-SHA256 0x0001");
}

Result<HpkeAead> ParseHpkeAead(std::uint16_t number) {
  const auto aead = static_cast<HpkeAead>(number);
  switch (aead) {
    case HpkeAead::kAes128Gcm:
    case HpkeAead::kAes256Gcm:
    case HpkeAead::kChaCha20Poly1305:
    case HpkeAead::kExportOnly:
      return aead;
  }
  return InvalidArgument(
      "HPKE: the AEAD is none of AES-128-GCM 1, AES-256-GCM 2, ChaCha20-Poly1305 3, export-only "
      "0xffff");
}

struct HpkeContext::State {
  HpkeLabels labels;
  std::array<std::uint8_t, 12> base_nonce;
  SecretArray<32> exporter_secret;
  std::uint64_t sequence = 0;
  CipherContextPtr cipher;  // null: export-only

  State(HpkeKem kem, HpkeAead aead, HpkeKeys keys)
      : labels(kem, aead),
        base_nonce(keys.base_nonce),
        exporter_secret(std::move(keys.exporter_secret)) {
    if (const EVP_CIPHER* algorithm = Algorithm(aead)) {
      cipher = NewAeadContext(algorithm, keys.key.view(CryptoSecrets::Token()).data());
    }
  }

  // CheckUsable says whether there may be a next message.
  Result<void> CheckUsable() const {
    if (!cipher) return InvalidArgument("HPKE: the export-only suite seals no messages");
    if (sequence == std::numeric_limits<std::uint64_t>::max()) {
      return FailedPrecondition("HPKE: this context has sealed all its messages; make a new one");
    }
    return {};
  }

  // RFC 9180 section 5.2: the nonce is base_nonce xor the sequence number.
  std::array<std::uint8_t, 12> Nonce() const {
    std::array<std::uint8_t, 12> nonce = base_nonce;
    StoreBe(nonce.data() + 4, LoadBe<std::uint64_t>(nonce.data() + 4) ^ sequence);
    return nonce;
  }
};

HpkeContext::HpkeContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
HpkeContext::HpkeContext(HpkeContext&&) noexcept = default;
HpkeContext& HpkeContext::operator=(HpkeContext&&) noexcept = default;
HpkeContext::~HpkeContext() = default;

Result<SecretBytes> HpkeContext::Export(ByteSpan exporter_context, std::size_t size_bytes) const {
  if (size_bytes > std::size_t{255} * 32) {
    return InvalidArgument("HPKE: at most 8160 bytes are exported at once");
  }
  SecretBytes out(size_bytes);
  state_->labels.Expand(state_->exporter_secret, "sec", exporter_context,
                        out.mutable_view(CryptoSecrets::Token()));
  return out;
}

HpkeSender::HpkeSender(std::unique_ptr<State> state, Bytes encapsulated_key)
    : HpkeContext(std::move(state)), encapsulated_key_(std::move(encapsulated_key)) {}

Result<HpkeSender> HpkeSender::Create(const HpkePublicKey& to, HpkeAead aead, ByteSpan info,
                                      const Proof& proof, RandomSource& random) {
  TRY_VOID(CheckPreShared(proof.pre_shared));
  TRY(HpkeShared shared, HpkeEncapsulate(to, proof.sender, random));
  HpkeKeys keys = KeysOf(to.kem(), aead, shared.secret,
                         ModeOf(proof.sender != nullptr, proof.pre_shared), proof.pre_shared, info);
  return HpkeSender(std::make_unique<State>(to.kem(), aead, std::move(keys)),
                    std::move(shared.encapsulated_key));
}

Result<Bytes> HpkeSender::Seal(ByteSpan aad, ByteSpan plaintext) {
  TRY_VOID(state_->CheckUsable());
  Bytes out(plaintext.size() + kHpkeTagSize);
  EvpSeal(state_->cipher.get(), nullptr, state_->Nonce(), aad, plaintext, out);
  ++state_->sequence;
  return out;
}

Result<HpkeRecipient> HpkeRecipient::Create(const HpkePrivateKey& key, ByteSpan encapsulated_key,
                                            HpkeAead aead, ByteSpan info, const Proof& proof) {
  TRY_VOID(CheckPreShared(proof.pre_shared));
  TRY(const SecretArray<32> shared, HpkeDecapsulate(key, encapsulated_key, proof.sender));
  HpkeKeys keys = KeysOf(key.kem(), aead, shared, ModeOf(proof.sender != nullptr, proof.pre_shared),
                         proof.pre_shared, info);
  return HpkeRecipient(std::make_unique<State>(key.kem(), aead, std::move(keys)));
}

Result<SecretBytes> HpkeRecipient::Open(ByteSpan aad, ByteSpan ciphertext) {
  TRY_VOID(state_->CheckUsable());
  if (ciphertext.size() < kHpkeTagSize) return VerificationFailed("sealed data does not open");
  SecretBytes out(ciphertext.size() - kHpkeTagSize);
  TRY_VOID(EvpOpen(state_->cipher.get(), nullptr, state_->Nonce(), aad, ciphertext,
                   out.mutable_view(CryptoSecrets::Token())));
  ++state_->sequence;
  return out;
}

Result<HpkeSealed> HpkeSeal(const HpkePublicKey& to, HpkeAead aead, ByteSpan info, ByteSpan aad,
                            ByteSpan plaintext, RandomSource& random) {
  TRY(HpkeSender sender, HpkeSender::Create(to, aead, info, {}, random));
  TRY(Bytes ciphertext, sender.Seal(aad, plaintext));
  return HpkeSealed{sender.encapsulated_key(), std::move(ciphertext)};
}

Result<HpkeSealed> HpkeSeal(const HpkePublicKey& to, HpkeAead aead, ByteSpan info, ByteSpan aad,
                            const SecretBytes& plaintext, RandomSource& random) {
  return HpkeSeal(to, aead, info, aad, plaintext.view(CryptoSecrets::Token()), random);
}

Result<SecretBytes> HpkeOpen(const HpkePrivateKey& key, ByteSpan encapsulated_key, HpkeAead aead,
                             ByteSpan info, ByteSpan aad, ByteSpan ciphertext) {
  TRY(HpkeRecipient recipient, HpkeRecipient::Create(key, encapsulated_key, aead, info, {}));
  return recipient.Open(aad, ciphertext);
}

}  // namespace salus::crypto
