#include "aggregate/vdaf_json.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <string>

#include "base/check.h"

namespace salus::aggregate {
namespace {

constexpr unsigned kMax = 1, kLength = 2, kWeight = 4, kChunk = 8;

struct CircuitLimits {
  Circuit circuit;
  std::string_view name;
  unsigned limits;
};

constexpr CircuitLimits kCircuits[] = {
    {Circuit::kCount, "count", 0},
    {Circuit::kSum, "sum", kMax},
    {Circuit::kSumVec, "sum-vec", kMax | kLength | kChunk},
    {Circuit::kHistogram, "histogram", kLength | kChunk},
    {Circuit::kMultihotCountVec, "multihot-count-vec", kLength | kWeight | kChunk},
    {Circuit::kMeanVar, "mean-var", kMax},
    {Circuit::kLinReg, "lin-reg", kMax | kLength},
};

const CircuitLimits& LimitsOf(Circuit circuit) {
  const auto found = std::ranges::find(kCircuits, circuit, &CircuitLimits::circuit);
  CHECK(found != std::end(kCircuits));
  return *found;
}

template <typename Number>
Result<Number> Limit(const codec::JsonObject& object, std::string_view name) {
  TRY(const std::int64_t value, codec::IntAt(object, name));
  if (value < 0 || static_cast<std::uint64_t>(value) > std::numeric_limits<Number>::max()) {
    return InvalidArgument(std::string(name) + ": is out of range");
  }
  return static_cast<Number>(value);
}

}  // namespace

bool IsKnownCircuit(Circuit circuit) {
  return std::ranges::find(kCircuits, circuit, &CircuitLimits::circuit) != std::end(kCircuits);
}

std::string_view CircuitName(Circuit circuit) { return LimitsOf(circuit).name; }

Result<VdafInstance> VdafFromJson(const codec::JsonObject& object, VdafProfile profile,
                                  std::uint8_t shares) {
  TRY(const std::string_view name, codec::StringAt(object, "circuit"));
  const auto found = std::ranges::find(kCircuits, name, &CircuitLimits::name);
  if (found == std::end(kCircuits)) {
    return InvalidArgument(
        "circuit: must be count, sum, sum-vec, histogram, multihot-count-vec, mean-var or "
        "lin-reg");
  }
  VdafInstance vdaf = {.profile = profile, .circuit = found->circuit, .shares = shares};
  std::size_t members = 1;
  if (found->limits & kMax) {
    TRY(vdaf.max_measurement, Limit<std::uint64_t>(object, "max_measurement"));
    ++members;
  }
  if (found->limits & kLength) {
    TRY(vdaf.length, Limit<std::uint32_t>(object, "length"));
    ++members;
  }
  if (found->limits & kWeight) {
    TRY(vdaf.max_weight, Limit<std::uint32_t>(object, "max_weight"));
    ++members;
  }
  if (found->limits & kChunk) {
    TRY(vdaf.chunk_length, Limit<std::uint32_t>(object, "chunk_length"));
    ++members;
  }
  if (object.size() != members) {
    return InvalidArgument("circuit: what stands beside it is not one of its limits");
  }
  return vdaf;
}

codec::JsonObject VdafToJson(const VdafInstance& vdaf) {
  const CircuitLimits& circuit = LimitsOf(vdaf.circuit);
  codec::JsonObject object;
  object["circuit"] = circuit.name;
  if (circuit.limits & kMax) object["max_measurement"] = vdaf.max_measurement;
  if (circuit.limits & kLength) object["length"] = vdaf.length;
  if (circuit.limits & kWeight) object["max_weight"] = vdaf.max_weight;
  if (circuit.limits & kChunk) object["chunk_length"] = vdaf.chunk_length;
  return object;
}

}  // namespace salus::aggregate
