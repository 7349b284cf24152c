// Prio3 beside libprio-rs. Goals on one core of the reference machine, in us, those of libprio-rs
// 0.18 (shard; verify of the leader / of a helper):
//   Sum 8 bits 4.4; 6.7 / 8.3       Histogram 100: 71; 23.5 / 29.7     SumVec 100 x 16: 687; 243 /
//   279 Sum 32 bits 10.4; 24 / 24       Histogram 1024: 519; 195 / 232     (Sum 32 there: 73 / 76)
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "aggregate/prio3.h"
#include "aggregate/share_access.h"

namespace salus::aggregate {
namespace {

struct Case {
  const char* name;
  VdafInstance instance;
  std::vector<std::uint64_t> measurement;
};

VdafInstance Sum(std::uint64_t maximum) {
  return {.circuit = Circuit::kSum, .max_measurement = maximum};
}
VdafInstance Histogram(std::uint32_t length, std::uint32_t chunk) {
  return {.circuit = Circuit::kHistogram, .length = length, .chunk_length = chunk};
}
VdafInstance SumVec(std::uint32_t length, int bits, std::uint32_t chunk) {
  return {.circuit = Circuit::kSumVec,
          .max_measurement = (std::uint64_t{1} << bits) - 1,
          .length = length,
          .chunk_length = chunk};
}
VdafInstance Draft08(VdafInstance instance) {
  instance.profile = VdafProfile::kDraft08;
  return instance;
}

std::vector<Case> Cases() {
  const VdafInstance multihot{
      .circuit = Circuit::kMultihotCountVec, .length = 100, .max_weight = 10, .chunk_length = 10};
  std::vector<std::uint64_t> some(100);
  some[3] = some[50] = 1;
  return {
      {"Count", {}, {1}},
      {"Sum250", Sum(250), {171}},
      {"Sum16", Sum(65535), {40000}},
      {"Sum32", Sum(0xffffffff), {123456789}},
      {"Histogram10c4", Histogram(10, 4), {3}},
      {"Histogram100c10", Histogram(100, 10), {3}},
      {"Histogram1024c32", Histogram(1024, 32), {3}},
      {"SumVec10x8c9", SumVec(10, 8, 9), std::vector<std::uint64_t>(10, 200)},
      {"SumVec100x16c40", SumVec(100, 16, 40), std::vector<std::uint64_t>(100, 20000)},
      {"SumVec1000x1c32", SumVec(1000, 1, 32), std::vector<std::uint64_t>(1000, 1)},
      {"Multihot100w10", multihot, some},
      {"MeanVar250", {.circuit = Circuit::kMeanVar, .max_measurement = 250}, {171}},
      {"Draft08Count", Draft08({}), {1}},
      {"Draft08Sum8", Draft08(Sum(255)), {171}},
      {"Draft08Sum16", Draft08(Sum(65535)), {40000}},
      {"Draft08Sum32", Draft08(Sum(0xffffffff)), {123456789}},
      {"Draft08Histogram10c4", Draft08(Histogram(10, 4)), {3}},
      {"Draft08Histogram100c10", Draft08(Histogram(100, 10)), {3}},
      {"Draft08Histogram1024c32", Draft08(Histogram(1024, 32)), {3}},
      {"Draft08SumVec10x8c9", Draft08(SumVec(10, 8, 9)), std::vector<std::uint64_t>(10, 200)},
      {"Draft08SumVec100x16c40", Draft08(SumVec(100, 16, 40)),
       std::vector<std::uint64_t>(100, 20000)},
      {"Draft08SumVec1000x1c32", Draft08(SumVec(1000, 1, 32)), std::vector<std::uint64_t>(1000, 1)},
  };
}

// Report is one report at both aggregators.
struct Report {
  explicit Report(const Case& one)
      : prio3(std::move(*Prio3::Create(one.instance))),
        verify_key(prio3->verify_key_bytes()),
        shards(std::move(*prio3->Shard(kContext, one.measurement, nonce, random))) {
    for (std::uint8_t j = 0; j < 2; ++j) {
      verifications.push_back(std::move(*VerifyInit(j)));
      verifier_shares.push_back(verifications.back().verifier_share);
    }
    message = std::move(*prio3->VerifierSharesToMessage(kContext, verifier_shares));
  }

  Result<Verification> VerifyInit(std::uint8_t j) const {
    return prio3->VerifyInit(verify_key, kContext, j,
                             {nonce, shards.public_share, &shards.input_shares[j]});
  }

  static constexpr std::array<std::uint8_t, 38> kContext{};
  static constexpr std::array<std::uint8_t, Prio3::kNonceBytes> nonce{};
  SystemRandom random;
  std::unique_ptr<const Prio3> prio3;
  SecretBytes verify_key;
  Shards shards;
  std::vector<Verification> verifications;
  std::vector<ByteSpan> verifier_shares;
  Bytes message;
};

void Shard(benchmark::State& state, const Case& one) {
  Report report(one);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        report.prio3->Shard(Report::kContext, one.measurement, Report::nonce, report.random));
  }
}

void VerifyInit(benchmark::State& state, const Case& one, std::uint8_t aggregator) {
  const Report report(one);
  for (auto _ : state) benchmark::DoNotOptimize(report.VerifyInit(aggregator));
}

// Finish is what happens once all verifier shares are there.
void Finish(benchmark::State& state, const Case& one) {
  const Report report(one);
  SecretBytes aggregate = report.prio3->EmptyAggregate();
  for (auto _ : state) {
    auto message = report.prio3->VerifierSharesToMessage(Report::kContext, report.verifier_shares);
    const VerifyState& known = report.verifications[0].state;
    auto output = report.prio3->VerifyNext(
        {known.output_share.Clone(), known.joint_rand_seed.Clone()}, *message);
    benchmark::DoNotOptimize(report.prio3->Add(aggregate, *output));
  }
}

bool RegisterAll() {
  for (const Case& one : Cases()) {
    const std::string name = one.name;
    benchmark::RegisterBenchmark((name + "/Shard").c_str(), Shard, one);
    benchmark::RegisterBenchmark((name + "/VerifyLeader").c_str(), VerifyInit, one, 0);
    benchmark::RegisterBenchmark((name + "/VerifyHelper").c_str(), VerifyInit, one, 1);
    benchmark::RegisterBenchmark((name + "/Finish").c_str(), Finish, one);
  }
  return true;
}

const bool kRegistered = RegisterAll();

}  // namespace
}  // namespace salus::aggregate

BENCHMARK_MAIN();
