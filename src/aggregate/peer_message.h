// PeerMessage is one signed message of a session, and PeerParcel what travels between a party and
// the host.
//
// Source: COSE_Sign1, untagged (RFC 9052 section 4.2), ES256 (RFC 9053 section 2.1), the header
//         `alg` only; deterministic CBOR. Worked example: docs/formats/peer-session.md.
// Shape:  payload [session, roster hash, step, sender, recipient or null, previous, seen, body]; at
//         most 64 MiB.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "aggregate/peer_roster.h"
#include "aggregate/peer_step.h"
#include "base/bytes.h"
#include "base/result.h"
#include "crypto/p256.h"
#include "crypto/sha256.h"

namespace salus::aggregate {

inline constexpr std::size_t kMaxPeerMessageBytes = 64u << 20;

struct PeerMessage {
  PeerSessionId session{};
  crypto::Hash32 roster{};
  PeerStep step = PeerStep::kJoin;
  PeerId sender = 0;
  std::optional<PeerId> recipient = {};  // of a share; nothing where all may read
  crypto::Hash32 previous{};  // of the sender's message before, zeros at first; of a share, of the
                              // report that it belongs to
  crypto::Hash32 seen{};      // of the last board, zeros at first and in boards
  Bytes body;

  friend bool operator==(const PeerMessage&, const PeerMessage&) = default;
};

// PeerEnvelope is a message as it was signed. Reading one proves nothing: Verify.
struct PeerEnvelope {
  PeerMessage message;
  Bytes bytes;
  crypto::Hash32 hash{};  // SHA-256 over the payload: a signature can be written in two ways

  static PeerEnvelope Sign(PeerMessage message, const crypto::P256PrivateKey& key);

  // Errors: InvalidArgument with the byte offset, or the part that is malformed.
  static Result<PeerEnvelope> Parse(ByteSpan bytes);

  // Errors: VerificationFailed.
  Result<void> Verify(const crypto::P256PublicKey& key) const;
};

// PeerParcel is a message that all may read, and shares that travel with it: a party's to the
// others, or the others' to one party.
//
// Shape: CBOR [message, [shares]], both byte strings; at most 255 shares.
struct PeerParcel {
  Bytes message;
  std::vector<Bytes> shares;

  Bytes Encode() const;
  // Errors: InvalidArgument with the byte offset.
  static Result<PeerParcel> Parse(ByteSpan bytes);
};

}  // namespace salus::aggregate
