// PeerRoster says who takes part in a sum without a trusted third party, what is summed, and by
// when; its host signs it, and every message names its hash.
//
// Source: our own; JSON canonical as RFC 8785, signed as a compact JWS (RFC 7515) with ES256 and
//         the host's certificate in x5c. Worked example: docs/formats/peer-session.md.
// Shape:  3 to 255 parties, 4 to 64 with a threshold; at most 256 KiB. A party's number is its
// place in
//         the order of the SHA-256 fingerprints of the certificates.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregate/vdaf_instance.h"
#include "base/bytes.h"
#include "base/result.h"
#include "crypto/p256.h"
#include "crypto/sha256.h"
#include "pki/certificate.h"

namespace salus::aggregate {

// PeerStatistic is the figure that the parties want; it decides the circuit.
enum class PeerStatistic : std::uint8_t {
  kSum,         // and the mean
  kVariance,    // and sum, mean, standard deviation
  kHistogram,   // and quartiles, to the width of a bucket
  kRegression,  // least squares: the last value from the others
};

// PeerStatisticName is "sum", "variance", "histogram" or "regression"; ParsePeerStatistic reads it.
//
// Errors: InvalidArgument for another name.
std::string_view PeerStatisticName(PeerStatistic statistic);
Result<PeerStatistic> ParsePeerStatistic(std::string_view name);

// PeerId is a party's number in the roster; kPeerHost is the host, who has no part in the sum.
using PeerId = std::uint16_t;
inline constexpr PeerId kPeerHost = 0xffff;

// ThresholdDegree is how many of that many parties learn nothing together, where the roster has a
// threshold; one more learn everything.
constexpr std::size_t ThresholdDegree(std::size_t parties) { return (parties - 1) / 2; }

// LeastValues is the least that minimum_parties may be. With a threshold it is two more than learn
// nothing together: they can keep others out of the sum, and all but their own values would be one.
constexpr std::size_t LeastValues(std::size_t parties, bool threshold) {
  return threshold ? std::max<std::size_t>(4, ThresholdDegree(parties) + 2) : 3;
}

using PeerSessionId = std::array<std::uint8_t, 16>;

struct PeerEntry {
  std::string id;                // as the host knows the party (base/id.h)
  std::string name;              // to show; may be empty
  crypto::Hash32 fingerprint{};  // SHA-256 of the certificate
  std::string address = {};      // where the party can be reached; may be empty
};

// PeerRosterFields is what a roster is made of; parties in any order.
struct PeerRosterFields {
  PeerSessionId session{};
  std::string title;
  std::string purpose;
  PeerStatistic statistic = PeerStatistic::kSum;
  std::string unit;          // "cm"; may be empty
  std::int64_t minimum = 0;  // of each value, both included
  std::int64_t maximum = 0;
  std::uint32_t bucket = 1;           // width of a bucket; histogram only
  std::uint32_t inputs = 0;           // how many values explain the last one; regression only
  std::uint32_t minimum_parties = 3;  // fewer values than that are not added up
  bool threshold = false;             // Shamir's sharing: a lost party does not stop the sum
  std::chrono::seconds join_time{0};  // how long the host waits for parties to join
  std::chrono::seconds step_time{0};  // and for their messages of each later step
  crypto::Hash32 host_fingerprint{};
  std::vector<PeerEntry> parties;
};

class PeerRoster {
 public:
  // Create checks the fields and puts the parties in order.
  //
  // Errors: InvalidArgument names the member that is wrong.
  static Result<PeerRoster> Create(PeerRosterFields fields);

  // Parse reads what ToJson writes and nothing else, so that a roster has one hash.
  //
  // Errors: InvalidArgument names the member that is wrong.
  static Result<PeerRoster> Parse(std::string_view json);
  const std::string& ToJson() const { return json_; }

  // hash is SHA-256 over ToJson.
  const crypto::Hash32& hash() const { return hash_; }
  const PeerRosterFields& fields() const { return fields_; }
  const std::vector<PeerEntry>& parties() const { return fields_.parties; }
  std::size_t size() const { return fields_.parties.size(); }
  // Find is the number of the party with that certificate.
  std::optional<PeerId> Find(const crypto::Hash32& fingerprint) const;
  // Name is the party's name, or its id, or "the host", for people to read.
  std::string Name(PeerId party) const;

  // values is how many numbers each party gives: 1, or inputs + 1 for a regression.
  std::size_t values() const;
  // Instance is the circuit for that many aggregators.
  VdafInstance Instance(std::uint8_t shares) const;
  // Measure turns a party's values into what the circuit takes.
  //
  // Errors: InvalidArgument when there are not values() of them, or one is out of range: says the
  // range, not the value.
  Result<std::vector<std::uint64_t>> Measure(const std::vector<std::int64_t>& values) const;

  friend bool operator==(const PeerRoster& a, const PeerRoster& b) { return a.json_ == b.json_; }

 private:
  PeerRoster() = default;
  PeerRosterFields fields_;
  std::string json_;
  crypto::Hash32 hash_{};
};

// SignPeerRoster is the host's signature around a roster.
//
// Errors: FailedPrecondition when key, certificate and the roster's host do not belong together.
Result<std::string> SignPeerRoster(const PeerRoster& roster, const crypto::P256PrivateKey& key,
                                   const pki::Certificate& certificate);

// SignedPeerRoster is a roster whose signature holds, and its host.
struct SignedPeerRoster {
  PeerRoster roster;
  pki::Certificate host;

  // Verify takes the certificate from the token, and believes it for its fingerprint only.
  //
  // Errors: VerificationFailed when the host's certificate is not the one with host_fingerprint, or
  // not the one that the roster names, or the signature is wrong; InvalidArgument as
  // PeerRoster::Parse.
  static Result<SignedPeerRoster> Verify(std::string_view token,
                                         const crypto::Hash32& host_fingerprint);
};

}  // namespace salus::aggregate
