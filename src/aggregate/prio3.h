// Prio3 is the aggregation protocol: a client cuts a measurement into shares with a proof, the
// aggregators check the proof together and add up what is valid, and nobody sees a measurement.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "aggregate/vdaf_instance.h"
#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::aggregate {

// Shards is what a client makes of one measurement: share j goes to aggregator j and nobody else.
struct Shards {
  Bytes public_share;
  std::vector<SecretBytes> input_shares;
};

// VerifyState is what an aggregator keeps of a report between its two steps.
//
// Shape: the output share, encoded; the joint randomness seed that the report must have been made
//        with, if its circuit uses one.
struct VerifyState {
  SecretBytes output_share;
  SecretBytes joint_rand_seed;  // empty without joint randomness
};

struct Verification {
  VerifyState state;
  Bytes verifier_share;  // to the other aggregators
};

// ReportShare is what one aggregator holds of one report.
struct ReportShare {
  ByteSpan nonce;  // 16 bytes
  ByteSpan public_share;
  const SecretBytes* input_share;
};

// Prio3 runs one instance. Aggregator 0 is the leader, whose share is long; the others' are seeds.
//
// Source:  VDAF draft-20 section 7 (wire version 18), and draft-08 section 7 under its profile.
// Shape:   nonces 16 bytes; shares, messages and aggregates as in section 7.2.7, so a field element
//          is 8 or 16 bytes, little-endian and below the modulus.
// Threads: immutable, safe to share.
class Prio3 {
 public:
  static constexpr std::size_t kNonceBytes = 16;

  // Errors: InvalidArgument names the limit that the instance breaks.
  static Result<std::unique_ptr<const Prio3>> Create(const VdafInstance& instance);
  virtual ~Prio3() = default;

  virtual const VdafInstance& instance() const = 0;
  virtual std::size_t verify_key_bytes() const = 0;  // 32; 16 in draft-08
  virtual std::size_t randomness_bytes() const = 0;  // what Shard draws
  virtual std::size_t public_share_bytes() const = 0;
  virtual std::size_t input_share_bytes(std::uint8_t aggregator) const = 0;
  virtual std::size_t verifier_share_bytes() const = 0;
  virtual std::size_t verifier_message_bytes() const = 0;
  virtual std::size_t element_bytes() const = 0;  // 8 or 16
  virtual std::size_t output_length() const = 0;  // elements
  std::size_t aggregate_share_bytes() const { return element_bytes() * output_length(); }

  // Shard cuts a measurement into shares; `randomness` is used once and never again.
  //
  // Errors: InvalidArgument when the measurement is outside its limits: says which, not the value.
  virtual Result<Shards> Shard(ByteSpan context, std::span<const std::uint64_t> measurement,
                               std::span<const std::uint8_t, kNonceBytes> nonce,
                               const SecretBytes& randomness) const = 0;
  Result<Shards> Shard(ByteSpan context, std::span<const std::uint64_t> measurement,
                       std::span<const std::uint8_t, kNonceBytes> nonce,
                       RandomSource& random) const;

  // VerifyInit is an aggregator's first step for one report.
  //
  // Errors: InvalidArgument for a share of the wrong length or an element not below the modulus.
  virtual Result<Verification> VerifyInit(const SecretBytes& verify_key, ByteSpan context,
                                          std::uint8_t aggregator,
                                          const ReportShare& report) const = 0;

  // VerifierSharesToMessage adds up the shares of all aggregators, in their order, and decides.
  //
  // Errors: InvalidArgument for a malformed share; VerificationFailed when the proof does not hold.
  virtual Result<Bytes> VerifierSharesToMessage(ByteSpan context,
                                                std::span<const ByteSpan> shares) const = 0;

  // VerifyNext is the second step: the report's output share, to be added up.
  //
  // Errors: InvalidArgument for a message of the wrong length; VerificationFailed when the report
  // was made with other joint randomness.
  virtual Result<SecretBytes> VerifyNext(VerifyState state, ByteSpan message) const = 0;

  // EmptyAggregate is the share of no reports; Add adds an output share or another aggregate's.
  //
  // Errors: InvalidArgument for a share of the wrong length or an element not below the modulus.
  SecretBytes EmptyAggregate() const { return SecretBytes(aggregate_share_bytes()); }
  virtual Result<void> Add(SecretBytes& aggregate, const SecretBytes& share) const = 0;

  // Unshard adds up the aggregate shares of all aggregators: the result, one number an output.
  //
  // Errors: InvalidArgument for a malformed share, or not as many as there are aggregators.
  virtual Result<std::vector<unsigned __int128>> Unshard(std::span<const SecretBytes> shares,
                                                         std::uint64_t report_count) const = 0;
};

}  // namespace salus::aggregate
