// DapRecipient is a party that shares are sealed to: an aggregator, or the collector.
#pragma once

#include "aggregate/dap_hpke_config.h"
#include "aggregate/hpke_ciphertext.h"
#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/hpke.h"

namespace salus::aggregate {

// DapRecipient is a config whose algorithms we have and whose key was checked.
//
// Source:  DAP-18 section 4.4.1; DAP-09 section 4.4.1.
// Shape:   DHKEM of X25519 or P-256 with HKDF-SHA256; AES-128-GCM, AES-256-GCM or
//          ChaCha20-Poly1305.
// Threads: immutable, safe to share.
class DapRecipient {
 public:
  // Errors: InvalidArgument for an algorithm that is not ours, or a key that is none.
  static Result<DapRecipient> Create(const DapHpkeConfig& config);
  // Choose takes the first of a list that has our algorithms: the list's owner put the best first.
  //
  // Errors: FailedPrecondition when there is none; InvalidArgument when the key of that one is
  // malformed.
  static Result<DapRecipient> Choose(const HpkeConfigList& list);

  std::uint8_t config_id() const { return config_id_; }

  // Errors: VerificationFailed for an X25519 key of small order.
  Result<HpkeCiphertext> Seal(ByteSpan info, ByteSpan aad, const SecretBytes& plaintext,
                              RandomSource& random) const;

 private:
  DapRecipient(std::uint8_t config_id, crypto::HpkePublicKey key, crypto::HpkeAead aead)
      : config_id_(config_id), key_(std::move(key)), aead_(aead) {}

  std::uint8_t config_id_;
  crypto::HpkePublicKey key_;
  crypto::HpkeAead aead_;
};

}  // namespace salus::aggregate
