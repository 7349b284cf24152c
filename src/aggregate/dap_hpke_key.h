// DapHpkeKey opens what was sealed to its config.
#pragma once

#include <cstdint>

#include "aggregate/dap_hpke_config.h"
#include "aggregate/hpke_ciphertext.h"
#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/hpke.h"

namespace salus::aggregate {

// DapHpkeKey is the private side of a DapHpkeConfig.
//
// Source:  DAP-18 section 4.4.1; DAP-09 section 4.4.1.
// Shape:   the private key is 32 bytes; what is stored beside it is the encoded config.
// Threads: immutable, safe to share.
class DapHpkeKey {
 public:
  // Generate makes the pair that every implementation must have: X25519, HKDF-SHA256, AES-128-GCM.
  static DapHpkeKey Generate(std::uint8_t config_id, RandomSource& random);
  // Load puts together what was stored.
  //
  // Errors: InvalidArgument for algorithms that are not ours, or a private key that is not the
  // config's.
  static Result<DapHpkeKey> Load(const DapHpkeConfig& config, const SecretArray<32>& private_key);

  const DapHpkeConfig& config() const { return config_; }
  SecretArray<32> private_key() const { return key_.bytes(); }

  // Errors: VerificationFailed, whatever is wrong, also another config's id.
  Result<SecretBytes> Open(ByteSpan info, ByteSpan aad, const HpkeCiphertext& ciphertext) const;

 private:
  DapHpkeKey(DapHpkeConfig config, crypto::HpkePrivateKey key, crypto::HpkeAead aead)
      : config_(std::move(config)), key_(std::move(key)), aead_(aead) {}

  DapHpkeConfig config_;
  crypto::HpkePrivateKey key_;
  crypto::HpkeAead aead_;
};

}  // namespace salus::aggregate
