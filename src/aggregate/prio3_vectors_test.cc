// The vectors of the draft, every field of them.
#include <gtest/gtest.h>

#include "aggregate/prio3.h"
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

}  // namespace
}  // namespace salus::aggregate
