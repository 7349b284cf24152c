// The vectors of the draft, every field of them.
#include <gtest/gtest.h>

#include "aggregate/circuit_sum_vec.h"
#include "aggregate/cubic_circuit.h"
#include "aggregate/field64.h"
#include "aggregate/prio3.h"
#include "aggregate/prio3_engine.h"
#include "aggregate/prio3_vector_runner.h"

namespace salus::aggregate {
namespace {

using crypto::testing::Fields;
using testing::Prio3VectorRunner;

std::vector<std::uint64_t> Numbers(const boost::json::value& measurement) {
  std::vector<std::uint64_t> out;
  const auto add = [&](const boost::json::value& item) {
    out.push_back(item.is_bool() ? item.as_bool() : item.to_number<std::uint64_t>());
  };
  if (measurement.is_array()) {
    for (const auto& item : measurement.as_array()) add(item);
  } else {
    add(measurement);
  }
  return out;
}

// The name of a file tells the circuit; its fields tell the limits.
std::optional<Circuit> CircuitOf(const std::string& file) {
  const auto starts = [&](std::string_view name) {
    return file.starts_with("Prio3" + std::string(name) + "_");
  };
  if (starts("Count")) return Circuit::kCount;
  if (starts("Sum")) return Circuit::kSum;
  if (starts("SumVec")) return Circuit::kSumVec;
  if (starts("Histogram")) return Circuit::kHistogram;
  if (starts("MultihotCountVec")) return Circuit::kMultihotCountVec;
  return std::nullopt;
}

VdafInstance InstanceOf(Circuit circuit, Fields& fields) {
  const auto number = [&](std::string_view name) {
    return fields.Has(name) ? static_cast<std::uint32_t>(fields.Number(name)) : 0;
  };
  return {.circuit = circuit,
          .max_measurement = number("max_measurement"),
          .length = number("length"),
          .max_weight = number("max_weight"),
          .chunk_length = number("chunk_length"),
          .shares = static_cast<std::uint8_t>(number("shares"))};
}

TEST(Prio3Vectors, OfDraft20) {
  SKIP_WITHOUT_VECTORS("research/vdaf20/vdaf");
  const auto folder = crypto::testing::VectorFolder() / "research/vdaf20/vdaf";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    const auto circuit = CircuitOf(name);
    if (!circuit) continue;
    const auto json = crypto::testing::ReadJsonFile(entry.path());
    Fields fields(json.as_object());
    const auto prio3 = Prio3::Create(InstanceOf(*circuit, fields));
    ASSERT_TRUE(prio3.has_value()) << name << ": " << prio3.error().message;
    Prio3VectorRunner(**prio3, fields, name, Numbers).Run();
    ++files;
  }
  EXPECT_EQ(files, 22);
}

// What the draft has vectors for and nobody should run: made here, not by Prio3::Create.
constexpr std::uint32_t kTestAlgorithm = 0xffffffff;

TEST(Prio3Vectors, OfAGadgetOfDegreeThree) {
  SKIP_WITHOUT_VECTORS("research/vdaf20/vdaf");
  const auto file = "research/vdaf20/vdaf/Prio3HigherDegree_0.json";
  const auto json = crypto::testing::ReadJsonFile(crypto::testing::VectorFolder() / file);
  Fields fields(json.as_object());
  const Prio3Engine<testing::CubicCircuit<Field64>> prio3({.shares = 2}, kTestAlgorithm,
                                                          testing::CubicCircuit<Field64>(1));
  Prio3VectorRunner(prio3, fields, file, Numbers).Run();
}

TEST(Prio3Vectors, OfSeveralProofs) {
  SKIP_WITHOUT_VECTORS("research/vdaf20/vdaf");
  for (const std::string number : {"0", "1"}) {
    const auto file = "research/vdaf20/vdaf/Prio3SumVecWithMultiproof_" + number + ".json";
    const auto json = crypto::testing::ReadJsonFile(crypto::testing::VectorFolder() / file);
    Fields fields(json.as_object());
    const VdafInstance instance = InstanceOf(Circuit::kSumVec, fields);
    const Prio3Engine<SumVecCircuit<Field64>> prio3(
        instance, kTestAlgorithm,
        SumVecCircuit<Field64>(instance.length, instance.max_measurement, instance.chunk_length),
        3);
    Prio3VectorRunner(prio3, fields, file, Numbers).Run();
  }
}

}  // namespace
}  // namespace salus::aggregate
