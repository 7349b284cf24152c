// The vectors of draft-08, and what the client deployed today (@divviup/prio3 0.8.0) made.
#include <gtest/gtest.h>

#include "aggregate/circuit_sum_vec.h"
#include "aggregate/field128.h"
#include "aggregate/field64.h"
#include "aggregate/multihot_08_circuit.h"
#include "aggregate/prio3.h"
#include "aggregate/prio3_engine.h"
#include "aggregate/share_access.h"
#include "crypto/vector_files.h"

namespace salus::aggregate {
namespace {

using crypto::testing::Fields;
using crypto::testing::Hex;
using crypto::testing::Unhex;

constexpr const char* kFolder = "research/vdaf08";
constexpr SecretAccess kAccess = ShareAccess::Token();

std::uint64_t NumberOf(const boost::json::value& json) {
  if (json.is_bool()) return json.as_bool();
  if (!json.is_string()) return json.to_number<std::uint64_t>();
  return std::stoull(std::string(json.as_string()));
}

std::vector<std::uint64_t> NumbersOf(const boost::json::value& json) {
  std::vector<std::uint64_t> out;
  if (json.is_array()) {
    for (const auto& item : json.as_array()) out.push_back(NumberOf(item));
  } else {
    out.push_back(NumberOf(json));
  }
  return out;
}

// An output share is a list of elements in these files.
std::string JoinedHex(const boost::json::value& list) {
  std::string out;
  for (const auto& item : list.as_array()) out += std::string(item.as_string());
  return out;
}

class Vector {
 public:
  Vector(const Prio3& prio3, Fields& fields, std::string where)
      : prio3_(prio3),
        fields_(fields),
        verify_key_(ByteSpan(fields.HexBytes("verify_key"))),
        where_(std::move(where)) {
    EXPECT_TRUE(fields_.At("agg_param").is_null());
    EXPECT_EQ(fields_.Number("shares"), prio3_.instance().shares);
    for (int j = 0; j < prio3_.instance().shares; ++j) {
      aggregates_.push_back(prio3_.EmptyAggregate());
    }
  }

  void Run() {
    SCOPED_TRACE(where_);
    const auto& reports = fields_.At("prep").as_array();
    for (const auto& report : reports) {
      Fields fields(report.as_object());
      CheckReport(fields);
      fields.ExpectAllRead(where_);
    }
    const auto& shares = fields_.At("agg_shares").as_array();
    for (std::size_t j = 0; j < aggregates_.size(); ++j) {
      EXPECT_EQ(Hex(aggregates_[j].view(kAccess)), shares.at(j).as_string());
    }
    const auto sums = prio3_.Unshard(aggregates_, reports.size());
    ASSERT_TRUE(sums.has_value()) << sums.error().message;
    EXPECT_EQ(std::vector<std::uint64_t>(sums->begin(), sums->end()),
              NumbersOf(fields_.At("agg_result")));
    fields_.ExpectAllRead(where_);
  }

 private:
  void CheckReport(Fields& report) {
    const Bytes nonce = report.HexBytes("nonce");
    const auto shards = prio3_.Shard({}, NumbersOf(report.At("measurement")),
                                     std::span<const std::uint8_t, 16>(nonce),
                                     SecretBytes(ByteSpan(report.HexBytes("rand"))));
    ASSERT_TRUE(shards.has_value()) << shards.error().message;
    EXPECT_EQ(Hex(shards->public_share), report.Text("public_share"));
    const auto& inputs = report.At("input_shares").as_array();
    const auto& prep_shares = report.At("prep_shares").as_array();
    const auto& messages = report.At("prep_messages").as_array();
    const auto& outputs = report.At("out_shares").as_array();
    ASSERT_EQ(prep_shares.size(), 1u);
    ASSERT_EQ(messages.size(), 1u);

    std::vector<VerifyState> states;
    std::vector<Bytes> verifier_shares;
    for (std::size_t j = 0; j < aggregates_.size(); ++j) {
      EXPECT_EQ(Hex(shards->input_shares[j].view(kAccess)), inputs.at(j).as_string());
      auto verification =
          prio3_.VerifyInit(verify_key_, {}, static_cast<std::uint8_t>(j),
                            {nonce, shards->public_share, &shards->input_shares[j]});
      ASSERT_TRUE(verification.has_value()) << verification.error().message;
      EXPECT_EQ(Hex(verification->verifier_share), prep_shares[0].at(j).as_string());
      states.push_back(std::move(verification->state));
      verifier_shares.push_back(std::move(verification->verifier_share));
    }
    const std::vector<ByteSpan> views(verifier_shares.begin(), verifier_shares.end());
    const auto message = prio3_.VerifierSharesToMessage({}, views);
    ASSERT_TRUE(message.has_value()) << message.error().message;
    EXPECT_EQ(Hex(*message), messages[0].as_string());
    for (std::size_t j = 0; j < aggregates_.size(); ++j) {
      const auto output = prio3_.VerifyNext(std::move(states[j]), *message);
      ASSERT_TRUE(output.has_value()) << output.error().message;
      EXPECT_EQ(Hex(output->view(kAccess)), JoinedHex(outputs.at(j)));
      ASSERT_TRUE(prio3_.Add(aggregates_[j], *output).has_value());
    }
  }

  const Prio3& prio3_;
  Fields& fields_;
  SecretBytes verify_key_;
  std::string where_;
  std::vector<SecretBytes> aggregates_;
};

VdafInstance InstanceOf(std::string_view name, std::uint8_t shares, Fields& parameters) {
  const auto number = [&](std::string_view in_draft, std::string_view in_npm) {
    const std::string_view field = parameters.Has(in_draft) ? in_draft : in_npm;
    return parameters.Has(field) ? static_cast<std::uint32_t>(parameters.Number(field)) : 0;
  };
  const std::uint32_t bits = number("bits", "bits");
  return {.profile = VdafProfile::kDraft08,
          .circuit = name == "Prio3Count"    ? Circuit::kCount
                     : name == "Prio3Sum"    ? Circuit::kSum
                     : name == "Prio3SumVec" ? Circuit::kSumVec
                                             : Circuit::kHistogram,
          .max_measurement = (std::uint64_t{1} << bits) - 1,
          .length = number("length", "length"),
          .chunk_length = number("chunk_length", "chunkLength"),
          .shares = shares};
}

constexpr std::uint32_t kTestAlgorithm = 0xffffffff;

template <class C>
using Engine = Prio3Engine<C, Flp<C, PolynomialBasis::kMonomial>>;

// What Prio3::Create does not make has a code point for tests only.
std::unique_ptr<const Prio3> Create(std::string_view name, Fields& fields) {
  const auto shares = static_cast<std::uint8_t>(fields.Number("shares"));
  const VdafInstance instance = InstanceOf(name, shares, fields);
  if (name == "Prio3SumVecWithMultiproof") {
    using C = SumVecCircuit<Field64, RangeRand::kOfAll>;
    return std::make_unique<const Engine<C>>(
        instance, kTestAlgorithm,
        C(instance.length, instance.max_measurement, instance.chunk_length), 4);
  }
  if (name == "Prio3MultiHotHistogram") {
    using C = testing::Multihot08Circuit<Field128>;
    const auto max_count = static_cast<std::uint64_t>(fields.Number("max_count"));
    return std::make_unique<const Engine<C>>(instance, kTestAlgorithm,
                                             C(instance.length, max_count, instance.chunk_length));
  }
  auto prio3 = Prio3::Create(instance);
  EXPECT_TRUE(prio3.has_value()) << prio3.error().message;
  return std::move(*prio3);
}

TEST(Prio3Draft08, Vectors) {
  SKIP_WITHOUT_VECTORS(kFolder);
  int files = 0;
  const auto folder = crypto::testing::VectorFolder() / kFolder;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string file = entry.path().filename();
    if (!file.starts_with("Prio3")) continue;
    const auto json = crypto::testing::ReadJsonFile(entry.path());
    Fields fields(json.as_object());
    const auto prio3 = Create(std::string_view(file).substr(0, file.find('_')), fields);
    Vector(*prio3, fields, file).Run();
    ++files;
  }
  EXPECT_EQ(files, 11);
}

TEST(Prio3Draft08, ReportsOfTheDeployedClient) {
  const char* file = "research/vdaf08/npm_divviup_prio3_0.8.0_transcripts.json";
  SKIP_WITHOUT_VECTORS(file);
  const auto json = crypto::testing::ReadJsonFile(crypto::testing::VectorFolder() / file);
  EXPECT_EQ(json.as_array().size(), 12u);
  for (const auto& run : json.as_array()) {
    Fields fields(run.as_object());
    Fields parameters(fields.At("params").as_object());
    const std::string name = fields.Text("alg");
    const auto prio3 = Prio3::Create(
        InstanceOf(name, static_cast<std::uint8_t>(fields.Number("shares")), parameters));
    ASSERT_TRUE(prio3.has_value()) << prio3.error().message;
    Fields vector(fields.At("vector").as_object());
    Vector(**prio3, vector, name).Run();
    parameters.ExpectAllRead(name);
    fields.ExpectAllRead(name);
  }
}

TEST(Prio3Draft08, HasNoOtherCircuitsAndNoOtherRanges) {
  VdafInstance instance{.profile = VdafProfile::kDraft08, .circuit = Circuit::kMeanVar};
  instance.max_measurement = 255;
  EXPECT_FALSE(Prio3::Create(instance).has_value());
  instance.circuit = Circuit::kSum;
  EXPECT_TRUE(Prio3::Create(instance).has_value());
  instance.max_measurement = 250;
  EXPECT_FALSE(Prio3::Create(instance).has_value());
  instance.max_measurement = UINT64_MAX;
  EXPECT_TRUE(Prio3::Create(instance).has_value());
}

}  // namespace
}  // namespace salus::aggregate
