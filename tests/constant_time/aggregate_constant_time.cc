// Prio3 with secrets that valgrind follows: the measurement and the randomness of a client, the
// input share of an aggregator.
#include <cstdio>
#include <string_view>
#include <vector>

#include "aggregate/prio3.h"
#include "aggregate/public_fact.h"
#include "aggregate/share_access.h"
#include "base/check.h"
#include "base/random.h"
#include "secret_marks.h"

namespace salus::aggregate {

// In the place of the module's own.
bool PublicFact(bool fact) {
  const auto* byte = reinterpret_cast<const std::uint8_t*>(&fact);
  testing::MarkPublic({byte, sizeof fact});
  return fact;
}

namespace {

using salus::testing::MarkPublic;
using salus::testing::MarkSecret;

constexpr SecretAccess kAccess = ShareAccess::Token();

struct Case {
  const char* name;
  VdafInstance instance;
  std::vector<std::uint64_t> measurement;
};

std::vector<Case> Cases() {
  const VdafInstance vec{
      .circuit = Circuit::kSumVec, .max_measurement = 11, .length = 3, .chunk_length = 5};
  const VdafInstance histogram{.circuit = Circuit::kHistogram, .length = 11, .chunk_length = 3};
  const VdafInstance multihot{
      .circuit = Circuit::kMultihotCountVec, .length = 5, .max_weight = 3, .chunk_length = 2};
  const VdafInstance regression{.circuit = Circuit::kLinReg, .max_measurement = 100, .length = 2};
  const VdafInstance sum08{
      .profile = VdafProfile::kDraft08, .circuit = Circuit::kSum, .max_measurement = 255};
  VdafInstance histogram08 = histogram;
  histogram08.profile = VdafProfile::kDraft08;
  // Long enough for what works on eight elements at a time.
  const VdafInstance vec_long{
      .circuit = Circuit::kSumVec, .max_measurement = 1, .length = 640, .chunk_length = 40};
  const VdafInstance histogram_long{
      .circuit = Circuit::kHistogram, .length = 640, .chunk_length = 40};
  const VdafInstance multihot_long{
      .circuit = Circuit::kMultihotCountVec, .length = 640, .max_weight = 3, .chunk_length = 40};
  std::vector<std::uint64_t> zeros(640);
  return {{"sumvec_long", vec_long, zeros},
          {"histogram_long", histogram_long, {70}},
          {"multihot_long", multihot_long, zeros},
          {"count", {}, {1}},
          {"sum", {.circuit = Circuit::kSum, .max_measurement = 242}, {171}},
          {"sumvec", vec, {0, 11, 5}},
          {"histogram", histogram, {7}},
          {"multihot", multihot, {1, 0, 1, 0, 0}},
          {"meanvar", {.circuit = Circuit::kMeanVar, .max_measurement = 242}, {171}},
          {"linreg", regression, {1, 2, 3}},
          {"sum08", sum08, {171}},
          {"histogram08", histogram08, {7}}};
}

ByteSpan BytesOf(const std::vector<std::uint64_t>& numbers) {
  return {reinterpret_cast<const std::uint8_t*>(numbers.data()), numbers.size() * 8};
}

int Run(Case one) {
  const auto prio3 = std::move(*Prio3::Create(one.instance));
  const std::array<std::uint8_t, Prio3::kNonceBytes> nonce{};
  SecretBytes randomness(prio3->randomness_bytes());
  SystemRandom().Fill(randomness.mutable_view(kAccess));
  MarkSecret(randomness.view(kAccess));
  MarkSecret(BytesOf(one.measurement));
  auto shards = prio3->Shard(AsBytes("context"), one.measurement, nonce, randomness);
  CHECK(shards.has_value());
  MarkPublic(shards->public_share);

  std::vector<Bytes> verifier_shares;
  std::vector<VerifyState> states;
  const SecretBytes verify_key(prio3->verify_key_bytes());
  for (std::uint8_t j = 0; j < 2; ++j) {
    MarkSecret(shards->input_shares[j].view(kAccess));
    auto verification = prio3->VerifyInit(verify_key, AsBytes("context"), j,
                                          {nonce, shards->public_share, &shards->input_shares[j]});
    CHECK(verification.has_value());
    MarkPublic(verification->verifier_share);
    MarkPublic(verification->state.joint_rand_seed.view(kAccess));
    verifier_shares.push_back(std::move(verification->verifier_share));
    states.push_back(std::move(verification->state));
  }
  const std::vector<ByteSpan> views(verifier_shares.begin(), verifier_shares.end());
  const auto message = prio3->VerifierSharesToMessage(AsBytes("context"), views);
  CHECK(message.has_value());
  SecretBytes aggregate = prio3->EmptyAggregate();
  for (VerifyState& state : states) {
    const auto output = prio3->VerifyNext(std::move(state), *message);
    CHECK(output.has_value());
    CHECK(prio3->Add(aggregate, *output).has_value());
  }
  return 0;
}

// Canary branches on a share.
int Canary() {
  SecretBytes share(1);
  MarkSecret(share.view(kAccess));
  return share.view(kAccess)[0] == 1 ? 1 : 0;
}

}  // namespace
}  // namespace salus::aggregate

int main(int argc, char** argv) {
  if (!salus::testing::HasMarks()) return 77;
  const std::string_view name = argc > 1 ? argv[1] : "";
  for (auto& one : salus::aggregate::Cases()) {
    if (name == one.name) return salus::aggregate::Run(std::move(one));
  }
  if (name == "canary") return salus::aggregate::Canary();
  std::fputs("which case?\n", stderr);
  return 2;
}
