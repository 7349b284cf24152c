// What the messages of each step hold; not a public header.
//
// Source: deterministic CBOR, arrays only; docs/formats/peer-session.md.
// Shape:  parties by their numbers, in ascending order where there are several.
// Errors: every Parse: InvalidArgument with the byte offset, or the part that is malformed.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "aggregate/peer_message.h"
#include "aggregate/peer_sharing.h"
#include "base/bytes.h"
#include "base/result.h"

namespace salus::aggregate {

// JoinBody: [certificate, coin commitment, share key].
struct JoinBody {
  Bytes certificate;  // DER
  crypto::Hash32 coin_commitment{};
  std::array<std::uint8_t, 32> share_key{};  // X25519, for this session only

  Bytes Encode() const;
  static Result<JoinBody> Parse(ByteSpan bytes);
};

// ReportBody: [nonce, public share, commitment, [hash of each other member's share]].
struct ReportBody {
  PeerReportPublic report;
  std::vector<crypto::Hash32> share_hashes;  // by position, the sender's left out

  Bytes Encode() const;
  static Result<ReportBody> Parse(ByteSpan bytes);
};

// ReceiptBody: [[accepted], [[refused, opened share or null]]].
struct ReceiptBody {
  struct Refusal {
    PeerId sender;
    std::optional<Bytes> opened;  // shows that the share is not what its sender committed to
  };
  std::vector<PeerId> accepted;
  std::vector<Refusal> refused;

  Bytes Encode() const;
  static Result<ReceiptBody> Parse(ByteSpan bytes);
};

// CoinBody: [coin, blind, [senders whose reports all have]].
struct CoinBody {
  std::array<std::uint8_t, 32> coin{};
  std::array<std::uint8_t, 32> blind{};
  std::vector<PeerId> senders;  // countersigns the set

  Bytes Encode() const;
  static Result<CoinBody> Parse(ByteSpan bytes);
};

// VerifyBody: [verifier share of each report but the own one, in the order of senders].
struct VerifyBody {
  std::vector<Bytes> verifier_shares;

  Bytes Encode() const;
  static Result<VerifyBody> Parse(ByteSpan bytes);
};

// VerdictBody: [[senders whose reports hold], [[sender, judge, share or null]]], the latter in
// ascending order.
struct VerdictBody {
  struct Opened {
    PeerId sender;  // of the report
    PeerId judge;   // whose share of it is shown
    // Nothing where to show it would let the others put the value together: then it is one word
    // against another.
    std::optional<Bytes> share;
  };
  std::vector<PeerId> accepted;
  std::vector<Opened> evidence;

  Bytes Encode() const;
  static Result<VerdictBody> Parse(ByteSpan bytes);
};

// AbortBody: [reason, a text to show].
struct AbortBody {
  std::string reason;  // at most 1024 bytes

  // Of cuts a reason that is too long.
  static AbortBody Of(std::string reason);

  Bytes Encode() const;
  static Result<AbortBody> Parse(ByteSpan bytes);
};

// BoardBody: [[the parties' messages, in the order of senders], conclusion]. Everybody computes the
// conclusion again; it is empty where the messages lead to none.
struct BoardBody {
  std::vector<Bytes> messages;
  Bytes conclusion;

  Bytes Encode() const;
  static Result<BoardBody> Parse(ByteSpan bytes);
};

// EncodeParties is a CBOR array of numbers.
Bytes EncodeParties(const std::vector<PeerId>& parties);

}  // namespace salus::aggregate
