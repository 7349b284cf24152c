// The key encapsulation and the key schedule behind hpke.h; internal to the module.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "crypto/hpke.h"

namespace salus::crypto {

// HpkeLabels are HKDF-SHA256 bound to one suite.
//
// Source: RFC 9180 section 4, LabeledExtract and LabeledExpand.
class HpkeLabels {
 public:
  explicit HpkeLabels(HpkeKem kem);        // suite_id of the KEM alone
  HpkeLabels(HpkeKem kem, HpkeAead aead);  // suite_id of the whole
  SecretArray<32> Extract(ByteSpan salt, std::string_view label, ByteSpan ikm) const;
  // Shape: out.size() <= 255 * 32, a CHECK.
  void Expand(const SecretArray<32>& prk, std::string_view label, ByteSpan info,
              MutableByteSpan out) const;

 private:
  std::array<std::uint8_t, 10> suite_{};
  std::size_t size_;
  ByteSpan suite() const { return {suite_.data(), size_}; }
};

// HpkeShared is the KEM's result: a secret, and what the recipient needs to find it again.
struct HpkeShared {
  SecretArray<32> secret;
  Bytes encapsulated_key;
};

// HpkeEncapsulate is Encap and AuthEncap (with a sender), HpkeDecapsulate Decap and AuthDecap.
//
// Source: RFC 9180 section 4.1.
// Errors: as HpkeSender::Create and HpkeRecipient::Create.
Result<HpkeShared> HpkeEncapsulate(const HpkePublicKey& to, const HpkePrivateKey* sender,
                                   RandomSource& random);
Result<SecretArray<32>> HpkeDecapsulate(const HpkePrivateKey& key, ByteSpan encapsulated_key,
                                        const HpkePublicKey* sender);

// HpkeKeys are what the key schedule gives.
struct HpkeKeys {
  SecretArray<32> key;  // the first HpkeKeySize(aead) bytes
  std::array<std::uint8_t, 12> base_nonce{};
  SecretArray<32> exporter_secret;
};

// HpkeKeySize is Nk of an AEAD.
std::size_t HpkeKeySize(HpkeAead aead);

// HpkeScheduleContext is key_schedule_context, which no one has to keep secret.
std::array<std::uint8_t, 65> HpkeScheduleContext(HpkeKem kem, HpkeAead aead, std::uint8_t mode,
                                                 ByteSpan psk_id, ByteSpan info);

// HpkeScheduleSecret is what all keys come from; HpkeSchedule expands it.
//
// Source: RFC 9180 section 5.1.
SecretArray<32> HpkeScheduleSecret(const HpkeLabels& labels, const SecretArray<32>& shared,
                                   const SecretBytes* psk);
HpkeKeys HpkeSchedule(const HpkeLabels& labels, HpkeAead aead, const SecretArray<32>& secret,
                      ByteSpan context);

}  // namespace salus::crypto
