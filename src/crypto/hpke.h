// HPKE seals messages to a public key.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/hpke_key.h"

namespace salus::crypto {

// HpkeKdf and HpkeAead are numbers on the wire.
//
// Source: RFC 9180 sections 7.2 and 7.3.
enum class HpkeKdf : std::uint16_t { kHkdfSha256 = 0x0001 };
enum class HpkeAead : std::uint16_t {
  kAes128Gcm = 0x0001,
  kAes256Gcm = 0x0002,
  kChaCha20Poly1305 = 0x0003,
  kExportOnly = 0xffff,  // no message is sealed, secrets are exported
};

// ParseHpkeKdf and ParseHpkeAead take the number from the wire.
//
// Errors: InvalidArgument for an algorithm that is not ours.
Result<HpkeKdf> ParseHpkeKdf(std::uint16_t number);
Result<HpkeAead> ParseHpkeAead(std::uint16_t number);

inline constexpr std::size_t kHpkeTagSize = 16;

// HpkeSealed is one message with the encapsulated key that its recipient needs.
struct HpkeSealed {
  Bytes encapsulated_key;  // 32 bytes for X25519, 65 for P-256
  Bytes ciphertext;        // as long as the plaintext, and 16 bytes
};

// HpkeSeal seals one message to `to` (base mode: says nothing of who sealed it).
//
// Source: RFC 9180 section 6.1, KDF HKDF-SHA256.
// Errors: VerificationFailed for an X25519 key of small order; InvalidArgument for kExportOnly.
Result<HpkeSealed> HpkeSeal(const HpkePublicKey& to, HpkeAead aead, ByteSpan info, ByteSpan aad,
                            ByteSpan plaintext, RandomSource& random);
Result<HpkeSealed> HpkeSeal(const HpkePublicKey& to, HpkeAead aead, ByteSpan info, ByteSpan aad,
                            const SecretBytes& plaintext, RandomSource& random);

// HpkeOpen is the inverse.
//
// Errors: VerificationFailed, whatever is wrong with the message or its encapsulated key;
// InvalidArgument for kExportOnly.
Result<SecretBytes> HpkeOpen(const HpkePrivateKey& key, ByteSpan encapsulated_key, HpkeAead aead,
                             ByteSpan info, ByteSpan aad, ByteSpan ciphertext);

// HpkePreShared is a secret that both sides have beforehand, and its name.
//
// Shape: at least 32 bytes of secret, and a name that is not empty.
struct HpkePreShared {
  const SecretBytes* secret;
  ByteSpan id;
};

// HpkeContext is what sender and recipient share after one encapsulation: it seals or opens many
// messages in order, and exports secrets. HpkeSender and HpkeRecipient are its two ends.
//
// Source:    RFC 9180 sections 5.1 to 5.3.
// Ownership: move-only; keys are wiped when destroyed.
// Threads:   the sequence number is state: one object a thread.
class HpkeContext {
 public:
  HpkeContext(HpkeContext&&) noexcept;
  HpkeContext& operator=(HpkeContext&&) noexcept;
  ~HpkeContext();

  // Export derives a secret of size_bytes that only the two ends know.
  //
  // Errors: InvalidArgument for more than 255 * 32 bytes.
  Result<SecretBytes> Export(ByteSpan exporter_context, std::size_t size_bytes) const;

 protected:
  struct State;
  explicit HpkeContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// HpkeSender seals. With `sender` the recipient knows who sealed (auth mode); with `pre_shared`
// that it was somebody with that secret (psk mode); with both, both.
class HpkeSender : public HpkeContext {
 public:
  struct Proof {
    const HpkePrivateKey* sender = nullptr;
    const HpkePreShared* pre_shared = nullptr;
  };

  // Errors: InvalidArgument for a sender's key of another mechanism, or a pre-shared secret that is
  // too short; VerificationFailed for an X25519 key of small order.
  static Result<HpkeSender> Create(const HpkePublicKey& to, HpkeAead aead, ByteSpan info,
                                   const Proof& proof, RandomSource& random);

  const Bytes& encapsulated_key() const { return encapsulated_key_; }

  // Seal gives ciphertext || tag of 16 bytes for the next message.
  //
  // Errors: InvalidArgument for kExportOnly; FailedPrecondition after 2^64 - 1 messages.
  Result<Bytes> Seal(ByteSpan aad, ByteSpan plaintext);

 private:
  HpkeSender(std::unique_ptr<State> state, Bytes encapsulated_key);
  Bytes encapsulated_key_;
};

// HpkeRecipient opens, in the order in which the sender sealed.
class HpkeRecipient : public HpkeContext {
 public:
  struct Proof {
    const HpkePublicKey* sender = nullptr;
    const HpkePreShared* pre_shared = nullptr;
  };

  // Errors: VerificationFailed for an encapsulated key that is none; InvalidArgument as for
  // HpkeSender. That the sender is the right one shows when a message opens.
  static Result<HpkeRecipient> Create(const HpkePrivateKey& key, ByteSpan encapsulated_key,
                                      HpkeAead aead, ByteSpan info, const Proof& proof);

  // Open gives the plaintext of the next message. After a failure the same message is expected.
  //
  // Errors: VerificationFailed, whatever is wrong; InvalidArgument for kExportOnly;
  // FailedPrecondition after 2^64 - 1 messages.
  Result<SecretBytes> Open(ByteSpan aad, ByteSpan ciphertext);

 private:
  using HpkeContext::HpkeContext;
};

}  // namespace salus::crypto
