#include "aggregate/prio3.h"

#include <bit>
#include <string>

#include "aggregate/circuit_count.h"
#include "aggregate/circuit_histogram.h"
#include "aggregate/circuit_moments.h"
#include "aggregate/circuit_multihot.h"
#include "aggregate/circuit_sum.h"
#include "aggregate/circuit_sum_08.h"
#include "aggregate/circuit_sum_vec.h"
#include "aggregate/field128.h"
#include "aggregate/field64.h"
#include "aggregate/prio3_engine.h"
#include "aggregate/share_access.h"

namespace salus::aggregate {

namespace {

using Created = Result<std::unique_ptr<const Prio3>>;

// What a share may take in memory: 2^20 elements are 16 MiB.
constexpr std::uint64_t kMaxElements = 1 << 20;
constexpr std::uint32_t kMaxInputs = 64;
// Squares stay below 2^96, so that 2^31 of them fit in the field.
constexpr std::uint64_t kMaxFactor = (std::uint64_t{1} << 48) - 1;

template <class C>
Created Engine(const VdafInstance& instance, C circuit) {
  return std::make_unique<const Prio3Engine<C>>(
      instance, static_cast<std::uint32_t>(instance.circuit), std::move(circuit));
}

template <class C>
Created Engine08(const VdafInstance& instance, C circuit) {
  // Draft-08 numbers its algorithms from 0.
  return std::make_unique<const Prio3Engine<C, Flp<C, PolynomialBasis::kMonomial>>>(
      instance, static_cast<std::uint32_t>(instance.circuit) - 1, std::move(circuit));
}

Result<void> CheckRange(std::string_view what, std::uint64_t value, std::uint64_t least,
                        std::uint64_t most) {
  if (value >= least && value <= most) return {};
  return InvalidArgument(std::string(what) + " is " + std::to_string(value) + ", not " +
                         std::to_string(least) + " to " + std::to_string(most));
}

Result<void> CheckVector(const VdafInstance& instance, std::uint64_t bits_each,
                         std::uint64_t bits_more) {
  TRY_VOID(CheckRange("length", instance.length, 1, kMaxElements));
  const std::uint64_t elements = instance.length * bits_each + bits_more;
  TRY_VOID(CheckRange("the number of elements of a measurement", elements, 1, kMaxElements));
  return CheckRange("chunk_length", instance.chunk_length, 1, elements);
}

Created CreateSum(const VdafInstance& instance) {
  TRY_VOID(CheckRange("max_measurement", instance.max_measurement, 1, Field64::kModulus - 1));
  return Engine(instance, SumCircuit<Field64>(instance.max_measurement));
}

Created CreateSumVec(const VdafInstance& instance) {
  TRY_VOID(CheckRange("max_measurement", instance.max_measurement, 1, UINT64_MAX));
  TRY_VOID(CheckVector(instance, std::bit_width(instance.max_measurement), 0));
  return Engine(instance, SumVecCircuit<Field128>(instance.length, instance.max_measurement,
                                                  instance.chunk_length));
}

Created CreateHistogram(const VdafInstance& instance) {
  TRY_VOID(CheckVector(instance, 1, 0));
  return Engine(instance, HistogramCircuit<Field128>(instance.length, instance.chunk_length));
}

Created CreateMultihot(const VdafInstance& instance) {
  TRY_VOID(CheckRange("max_weight", instance.max_weight, 1, instance.length));
  TRY_VOID(CheckVector(instance, 1, std::bit_width(instance.max_weight)));
  return Engine(instance, MultihotCircuit<Field128>(instance.length, instance.max_weight,
                                                    instance.chunk_length));
}

Created CreateMoments(const VdafInstance& instance, std::uint32_t numbers) {
  TRY_VOID(CheckRange("max_measurement", instance.max_measurement, 1, kMaxFactor));
  return Engine(instance, MomentsCircuit<Field128>(numbers, instance.max_measurement));
}

Created Create08(const VdafInstance& instance) {
  constexpr RangeRand kRand = RangeRand::kOfAll;
  const std::uint64_t maximum = instance.max_measurement;
  if (instance.circuit == Circuit::kSum || instance.circuit == Circuit::kSumVec) {
    TRY_VOID(CheckRange("max_measurement", maximum, 1, UINT64_MAX));
    if ((maximum & (maximum + 1)) != 0) {
      return InvalidArgument("max_measurement in draft-08 is one less than a power of two");
    }
  }
  switch (instance.circuit) {
    case Circuit::kCount:
      return Engine08(instance, CountCircuit<Field64>());
    case Circuit::kSum:
      return Engine08(instance, Sum08Circuit<Field128>(maximum));
    case Circuit::kSumVec:
      TRY_VOID(CheckVector(instance, std::bit_width(maximum), 0));
      return Engine08(instance, SumVecCircuit<Field128, kRand>(instance.length, maximum,
                                                               instance.chunk_length));
    case Circuit::kHistogram:
      TRY_VOID(CheckVector(instance, 1, 0));
      return Engine08(instance,
                      HistogramCircuit<Field128, kRand>(instance.length, instance.chunk_length));
    default:
      return InvalidArgument("draft-08 has no such circuit: Count, Sum, SumVec and Histogram only");
  }
}

}  // namespace

Created Prio3::Create(const VdafInstance& instance) {
  TRY_VOID(CheckRange("the number of aggregators", instance.shares, 2, 255));
  if (instance.profile == VdafProfile::kDraft08) return Create08(instance);
  if (instance.profile != VdafProfile::kDraft20) return InvalidArgument("there is no such profile");
  switch (instance.circuit) {
    case Circuit::kCount:
      return Engine(instance, CountCircuit<Field64>());
    case Circuit::kSum:
      return CreateSum(instance);
    case Circuit::kSumVec:
      return CreateSumVec(instance);
    case Circuit::kHistogram:
      return CreateHistogram(instance);
    case Circuit::kMultihotCountVec:
      return CreateMultihot(instance);
    case Circuit::kMeanVar:
      return CreateMoments(instance, 1);
    case Circuit::kLinReg:
      TRY_VOID(CheckRange("the number of inputs", instance.length, 1, kMaxInputs));
      return CreateMoments(instance, instance.length + 1);
  }
  return InvalidArgument("there is no such circuit");
}

Result<Shards> Prio3::Shard(ByteSpan context, std::span<const std::uint64_t> measurement,
                            std::span<const std::uint8_t, kNonceBytes> nonce,
                            RandomSource& random) const {
  SecretBytes randomness(randomness_bytes());
  random.Fill(randomness.mutable_view(ShareAccess::Token()));
  return Shard(context, measurement, nonce, randomness);
}

}  // namespace salus::aggregate
