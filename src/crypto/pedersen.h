// Pedersen commitments to lists of integers: they hide what they hold for ever, they bind to it,
// and the sum of commitments is a commitment to the sum.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/ristretto_point.h"
#include "crypto/ristretto_table.h"

namespace salus::crypto {

// PedersenCommitment is a point of the group.
//
// Source: RFC 9496 (ristretto255): one encoding for each point.
// Shape:  64 bytes: a point's encoding, and the root that decoding it takes. The value made by
//         default commits to zeros with the blind zero.
class PedersenCommitment {
 public:
  static constexpr std::size_t kBytes = RistrettoPoint::kRootedBytes;

  PedersenCommitment() = default;
  explicit PedersenCommitment(const RistrettoPoint& point) : point_(point) {}
  // Errors: InvalidArgument unless bytes are a point's encoding with its root.
  static Result<PedersenCommitment> FromBytes(ByteSpan bytes);

  std::array<std::uint8_t, kBytes> bytes() const { return point_.EncodeRooted(); }

  // Add makes this a commitment to the sum of both, under the sum of both blinds.
  void Add(const PedersenCommitment& other) { point_.Add(other.point_); }

  friend bool operator==(const PedersenCommitment&, const PedersenCommitment&) = default;

 private:
  // A commitment hides what it holds from everybody, so that it is no secret itself.
  RistrettoPoint point_;
};

// PedersenBlind is the scalar that hides; the sum of blinds opens the sum of commitments.
//
// Shape: 32 bytes, little-endian, below the order of the group.
struct PedersenBlind {
  SecretArray<32> scalar;

  static PedersenBlind Generate(RandomSource& random);
  // Errors: InvalidArgument for a scalar that is not below the order.
  static Result<PedersenBlind> FromBytes(ByteSpan bytes);
  void Add(const PedersenBlind& other);
  PedersenBlind Clone() const { return {scalar.Clone()}; }
};

// PedersenBase is one generator for each integer of a list; the blind's is the group's own. Nobody
// knows how they relate: they are hashes.
//
// Source:  Pedersen, Non-Interactive and Information-Theoretic Secure Verifiable Secret Sharing
//          (CRYPTO '91); generators RFC 9496 section 4.3.4 over SHA-512(label || be32(index)).
// Shape:   integers of 24 bytes, little-endian: sums of 2^64 numbers below 2^128 do not wrap.
// Threads: immutable, safe to share.
class PedersenBase {
 public:
  static constexpr std::size_t kIntegerBytes = 24;

  PedersenBase(std::string_view label, std::size_t integers);

  std::size_t integers() const { return tables_.size(); }

  // Commit takes integers() * kIntegerBytes bytes; another size is a CHECK.
  PedersenCommitment Commit(const SecretBytes& values, const PedersenBlind& blind) const;

  // VerifyOpening says whether a commitment was made of these integers, which are no secret now.
  //
  // Errors: VerificationFailed, also for a size or a blind that is impossible.
  Result<void> VerifyOpening(const PedersenCommitment& commitment, ByteSpan values,
                             ByteSpan blind) const;

 private:
  PedersenCommitment Commit(ByteSpan values, std::span<const std::uint8_t, 32> blind) const;

  RistrettoTable blind_table_;
  std::vector<RistrettoTable> tables_;
};

}  // namespace salus::crypto
