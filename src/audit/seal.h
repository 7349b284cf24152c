// Sealing: every entry under a key of its own, derived from the subject's epoch key.
//
// Source: protocol.md P2.2 and P2.3.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "audit/entry.h"
#include "audit/subject.h"
#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/aes_gcm.h"
#include "crypto/hmac.h"

namespace salus::audit {

// EntryKey is k, the key of one entry: whoever has it opens that entry and no other.
using EntryKey = SecretArray<32>;

// EpochKey is K: one subject, one UTC day, one process. Only a grant takes it out of memory.
//
// Threads: immutable, safe to share.
class EpochKey {
 public:
  static EpochKey Generate(RandomSource& random);
  explicit EpochKey(SecretArray<32> key);

  // KeyOf is HMAC-SHA-256(K, "salus/entry" || iv).
  EntryKey KeyOf(const EntryIv& iv) const;
  const crypto::HmacSha256Key& mac() const { return mac_; }
  SecretArray<32> Clone() const { return key_.Clone(); }

 private:
  SecretArray<32> key_;
  crypto::HmacSha256Key mac_;
};

// KeyIdOf is the first 16 bytes of SHA-256("salus/kid" || k).
EntryKeyId KeyIdOf(const EntryKey& key);

// SealingAad is the Enc_structure of RFC 9052 section 5.3 for (origin, tag): it binds each entry to
// one log and one subject. Made once an epoch.
Bytes SealingAad(std::string_view origin, const SubjectTag& tag);

// Sealer seals and opens; it holds the cipher's context.
//
// Threads: one a thread.
class Sealer {
 public:
  explicit Sealer(RandomSource& random) : random_(&random) {}

  // SealEvents appends a kind 1 entry for each of events to out, one after the other, and its key
  // to keys. Several at once cost far less than one by one. Shape: plaintexts of a multiple of 256
  // bytes, at most 65,024; SealedEntrySize bytes each.
  struct ToSeal {
    const EpochKey* epoch;
    ByteSpan aad;
    ByteSpan plaintext;
  };
  void SealEvents(std::span<const ToSeal> events, Bytes& out, std::vector<EntryKey>& keys);
  // SealEvent is the same for one.
  EntryKey SealEvent(const EpochKey& epoch, ByteSpan aad, ByteSpan plaintext, Bytes& out);

  // SealBody makes the body of a kind 4 or 6 entry; its ciphertext is a view of storage.
  SealedBody SealBody(const EpochKey& epoch, ByteSpan aad, ByteSpan plaintext, Bytes& storage);

  // Open decrypts under the entry's own key.
  //
  // Errors: VerificationFailed when the key is another one, or a byte was changed.
  Result<Bytes> Open(const EntryKey& key, ByteSpan aad, const SealedBody& body);
  // OpenInto is Open into a buffer of exactly body.ciphertext.size() - 16 bytes.
  Result<void> OpenInto(const EntryKey& key, ByteSpan aad, const SealedBody& body,
                        MutableByteSpan out);

 private:
  RandomSource* random_;
  crypto::AesGcmRekey cipher_;
};

}  // namespace salus::audit
