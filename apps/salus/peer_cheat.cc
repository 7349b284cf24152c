#include "apps/salus/peer_cheat.h"

#include <algorithm>
#include <csignal>

#include "aggregate/additive_sharing.h"
#include "aggregate/field_integers.h"
#include "aggregate/peer_edited_sharing.h"
#include "aggregate/prio3.h"
#include "apps/salus/secret_access.h"

namespace salus::cli {

namespace {

using aggregate::EditedSharing;
using aggregate::PeerId;
using aggregate::PeerRoster;
using aggregate::PeerShares;
using aggregate::PeerSharing;

constexpr std::uint64_t kExcess = 1'000'000'000;
constexpr std::size_t kThresholdElementBytes = 16;

void AddExcess(SecretBytes& share, std::size_t element_bytes) {
  const MutableByteSpan first =
      share.mutable_view(CliSecrets::Token()).first(std::min(element_bytes, share.size()));
  if (first.empty()) return;
  const unsigned __int128 modulus = aggregate::FieldModulus(element_bytes);
  const unsigned __int128 left = modulus - aggregate::LoadElement(first);
  aggregate::StoreElement(left > kExcess ? modulus - left + kExcess : kExcess - left, first);
}

// The proof is that of a value which the roster allows, and the shares are those of another: what
// an honest program would never make, and what the judges of the proof have to notice.
Result<PeerShares> ExcessiveShares(const PeerRoster& roster,
                                   const aggregate::AdditiveSharing& honest, std::size_t self,
                                   RandomSource& random) {
  const auto shares = static_cast<std::uint8_t>(honest.members() - 1);
  TRY(const auto prio3, aggregate::Prio3::Create(roster.Instance(shares)));
  Bytes context = ToBytes("ehr-p2p-v1");
  Append(context, roster.fields().session);
  const std::vector<std::uint64_t> lowest(roster.values(), 0);
  const auto nonce = random.Array<aggregate::Prio3::kNonceBytes>();
  TRY(aggregate::Shards shards, prio3->Shard(context, lowest, nonce, random));
  AddExcess(shards.input_shares.front(), prio3->element_bytes());
  return honest.Commit(std::move(shards), nonce, self, random);
}

EditedSharing::Edits ExcessIn(const PeerRoster& roster) {
  EditedSharing::Edits out;
  out.share = [roster](const PeerSharing& honest, PeerShares& made, std::size_t self,
                       RandomSource& random) {
    const auto* const additive = dynamic_cast<const aggregate::AdditiveSharing*>(&honest);
    if (additive != nullptr) {
      Result<PeerShares> excessive = ExcessiveShares(roster, *additive, self, random);
      if (excessive) made = *std::move(excessive);
      return;
    }
    // The same on each of Shamir's shares is the same on what they hold.
    for (SecretBytes& share : made.shares) AddExcess(share, kThresholdElementBytes);
  };
  return out;
}

EditedSharing::Edits WrongSum(const PeerRoster&) {
  EditedSharing::Edits out;
  out.sum = [](Bytes& sum) { sum.front() ^= 1; };
  return out;
}

aggregate::PeerSharingMaker Maker(EditedSharing::Edits (*edits)(const PeerRoster& roster)) {
  return [edits](const PeerRoster& roster, std::span<const PeerId> members) {
    return EditedSharing::Maker(edits(roster))(roster, members);
  };
}

}  // namespace

Result<PeerCheat> PeerCheat::Parse(Session& session) {
  constexpr std::string_view kCrash = "crash=";
  PeerCheat out;
  if (!session.arguments().Has("--cheat")) return out;
  const std::string text = session.arguments().Text("--cheat");
  if (text == "value") out.kind_ = Kind::kValue;
  if (text == "sum") out.kind_ = Kind::kSum;
  for (int i = 1; i <= static_cast<int>(aggregate::kLastPeerStep); ++i) {
    const auto step = static_cast<aggregate::PeerStep>(i);
    if (text != std::string(kCrash).append(PeerStepName(step))) continue;
    out.kind_ = Kind::kCrash;
    out.step_ = step;
  }
  if (out.kind_ == Kind::kNone) {
    return session.Usage("--cheat: value, sum, or crash=STEP with a step from join to sum");
  }
  return out;
}

aggregate::PeerSharingMaker PeerCheat::Sharing() const {
  if (kind_ == Kind::kValue) return Maker(ExcessIn);
  if (kind_ == Kind::kSum) return Maker(WrongSum);
  return aggregate::MakeSharing;
}

void PeerCheat::CrashBefore(aggregate::PeerStep step) const {
  if (kind_ == Kind::kCrash && step == step_) std::raise(SIGKILL);
}

}  // namespace salus::cli
