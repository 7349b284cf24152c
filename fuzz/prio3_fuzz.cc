// What a client or an aggregator sends to Prio3 is refused or used, and never breaks it: a share
// that can be added is encoded as it was, and a report in which anything was changed is left out.
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "aggregate/prio3.h"
#include "aggregate/share_access.h"
#include "base/check.h"
#include "fuzz_input.h"

namespace salus::aggregate {
namespace {

constexpr SecretAccess kAccess = ShareAccess::Token();
constexpr std::array<std::uint8_t, Prio3::kNonceBytes> kNonce{};

std::vector<std::unique_ptr<const Prio3>> CreateAll() {
  std::vector<std::unique_ptr<const Prio3>> out;
  for (const VdafProfile profile : {VdafProfile::kDraft20, VdafProfile::kDraft08}) {
    for (VdafInstance instance : {
             VdafInstance{},
             VdafInstance{.circuit = Circuit::kSum, .max_measurement = 7},
             VdafInstance{.circuit = Circuit::kHistogram, .length = 4, .chunk_length = 3},
         }) {
      instance.profile = profile;
      out.push_back(std::move(*Prio3::Create(instance)));
    }
  }
  out.push_back(std::move(*Prio3::Create({.circuit = Circuit::kMeanVar, .max_measurement = 7})));
  return out;
}

// Verify is all that two aggregators do with a report.
bool Verify(const Prio3& prio3, ByteSpan public_share, std::vector<SecretBytes>& input_shares) {
  const SecretBytes verify_key(prio3.verify_key_bytes());
  std::vector<Bytes> verifier_shares;
  std::vector<VerifyState> states;
  for (std::uint8_t j = 0; j < 2; ++j) {
    auto verification =
        prio3.VerifyInit(verify_key, {}, j, {kNonce, public_share, &input_shares[j]});
    if (!verification) return false;
    verifier_shares.push_back(std::move(verification->verifier_share));
    states.push_back(std::move(verification->state));
  }
  const std::vector<ByteSpan> views(verifier_shares.begin(), verifier_shares.end());
  const auto message = prio3.VerifierSharesToMessage({}, views);
  if (!message) return false;
  for (VerifyState& state : states) {
    if (!prio3.VerifyNext(std::move(state), *message)) return false;
  }
  return true;
}

// ChangedReport xors a valid report with what comes from the case.
void ChangedReport(const Prio3& prio3, fuzz::Input& input) {
  const std::uint64_t measurement = input.U8() & 1;
  const SecretBytes randomness(prio3.randomness_bytes());
  auto shards = prio3.Shard({}, {&measurement, 1}, kNonce, randomness);
  CHECK(shards.has_value());
  bool is_changed = false;
  const auto change = [&](MutableByteSpan bytes) {
    for (std::uint8_t& byte : bytes) {
      const std::uint8_t mask = input.U8();
      byte ^= mask;
      is_changed |= mask != 0;
    }
  };
  for (SecretBytes& share : shards->input_shares) change(share.mutable_view(kAccess));
  change(shards->public_share);
  CHECK(Verify(prio3, shards->public_share, shards->input_shares) == !is_changed);
}

void AnyBytes(const Prio3& prio3, fuzz::Input& input) {
  const Bytes public_share = ToBytes(input.Take(input.U8()));
  std::vector<SecretBytes> shares;
  shares.emplace_back(input.Take(prio3.input_share_bytes(0)));
  shares.emplace_back(input.Take(prio3.input_share_bytes(1)));
  CHECK(!Verify(prio3, public_share, shares));

  const ByteSpan first = input.Take(prio3.verifier_share_bytes()), second = input.Rest();
  const std::vector<ByteSpan> views = {first, second};
  const auto message = prio3.VerifierSharesToMessage({}, views);
  CHECK(!message || message->size() == prio3.verifier_message_bytes());

  SecretBytes aggregate = prio3.EmptyAggregate();
  const SecretBytes share(second);
  if (prio3.Add(aggregate, share)) {
    CHECK(ConstantTimeEqual(aggregate.view(kAccess), share.view(kAccess)));
    std::vector<SecretBytes> both;
    both.push_back(std::move(aggregate));
    both.push_back(prio3.EmptyAggregate());
    const auto sums = prio3.Unshard(both, 1);
    CHECK(sums.has_value() && sums->size() == prio3.output_length());
  }
}

}  // namespace
}  // namespace salus::aggregate

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using salus::aggregate::Prio3;
  static const std::vector<std::unique_ptr<const Prio3>> all = salus::aggregate::CreateAll();
  salus::fuzz::Input input({data, size});
  const std::uint8_t choice = input.U8();
  const Prio3& prio3 = *all[choice % all.size()];
  if (choice < 128) {
    salus::aggregate::ChangedReport(prio3, input);
  } else {
    salus::aggregate::AnyBytes(prio3, input);
  }
  return 0;
}
