// The checkpoints of an answer: signed, witnessed, fresh, consistent, and ending in a kind 3 entry.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "audit/entry.h"
#include "audit/verify_parts.h"
#include "codec/rfc3339.h"
#include "merkle/hash.h"

namespace salus::audit {

namespace {

constexpr std::chrono::minutes kMaxAge{10};
constexpr std::chrono::minutes kMaxAhead{5};
constexpr std::chrono::seconds kMaxCosignatureGap{60};
constexpr std::string_view kKeepEvidence =
    "keep this answer (--save) and tell somebody outside the operator";

std::chrono::milliseconds Distance(Timestamp a, Timestamp b) { return a < b ? b - a : a - b; }

Timestamp TimeOf(const tlog::WitnessTime& cosignature) {
  // Seconds beyond the year 9999 are nobody's clock, and would overflow milliseconds.
  constexpr std::uint64_t kMaxSeconds = 253'402'300'799;
  return Timestamp(std::chrono::seconds(std::min(cosignature.unix_seconds, kMaxSeconds)));
}

bool IsQuorumOf(const tlog::Policy& policy, std::span<const tlog::WitnessTime> cosignatures) {
  std::vector<std::size_t> places;
  for (const tlog::WitnessTime& cosignature : cosignatures) places.push_back(cosignature.witness);
  return policy.IsQuorum(places);
}

bool HasLogLine(std::string_view policy) {
  for (std::size_t at = 0; at < policy.size();) {
    const std::size_t end = std::min(policy.find('\n', at), policy.size());
    std::string_view line = policy.substr(at, end - at);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.starts_with("log ") || line.starts_with("log\t")) return true;
    at = end + 1;
  }
  return false;
}

Error BadPin(std::string_view what) {
  return InvalidArgument(
      fmt::format("what is pinned of this log is not usable: {}: run `salus connect` again", what));
}

}  // namespace

Result<tlog::Policy> PolicyOf(const PinnedLog& log) {
  const auto log_key = tlog::VerifierKey::Parse(log.log_vkey);
  if (!log_key || log_key->name() != log.origin) return BadPin("log key");
  std::string text = log.policy;
  if (!HasLogLine(text)) text = "log " + log.log_vkey + "\n" + text;
  Result<tlog::Policy> policy = tlog::Policy::Parse(text);
  if (!policy) return BadPin(policy.error().message);
  if (policy->logs().size() != 1 || !(policy->logs()[0].key == *log_key)) {
    return BadPin("the policy is about another log");
  }
  return policy;
}

bool IsGenesisOf(const PinnedLog& log, ByteSpan entry) {
  const Result<Genesis> genesis = ParseGenesis(entry);
  return genesis && genesis->origin == log.origin && genesis->log_key == log.log_vkey &&
         genesis->receipt_key == log.receipt_vkey && genesis->vrf_key == log.vrf_key.bytes();
}

Result<TrustedLog> TrustPinned(const PinnedLog& log) {
  TRY(tlog::Policy policy, PolicyOf(log));
  const auto receipt_key = tlog::VerifierKey::Parse(log.receipt_vkey);
  if (!receipt_key || receipt_key->name() != log.origin + "/receipts") return BadPin("receipt key");
  return TrustedLog{log.origin, std::move(policy), *receipt_key};
}

Result<ProvenTree> VerifyTree(const TrustedLog& log, const ProvenCheckpoint& checkpoint,
                              std::string_view which) {
  const auto fail = [which](std::string_view what) {
    return VerificationFailed(fmt::format("{}: {}", which, what));
  };
  const auto verified = log.policy.Verify(checkpoint.note);
  if (!verified) return fail(verified.error().message);
  if (verified->checkpoint.origin != log.origin) return fail("it is of another log");
  ProvenTree tree{verified->checkpoint.size, verified->checkpoint.root, {}, {}};
  if (tree.size.value == 0) return fail("it is of an empty log");
  const auto map = tlog::MapRootEntry::Parse(checkpoint.map_entry);
  if (!map)
    return fail("its tree does not end in a kind 3 entry: it was not made by this software");
  if (map->size != tree.size.value - 1) {
    return fail(
        fmt::format("its kind 3 entry is of size {}, but stands at {}: the operator signed "
                    "something else than the log's end",
                    map->size, tree.size.value - 1));
  }
  const auto included = checkpoint.map_inclusion.Verify(
      merkle::HashLeaf(checkpoint.map_entry), merkle::LeafIndex{map->size}, tree.size, tree.root);
  if (!included) return fail("its kind 3 entry is not in its tree");
  tree.map = *map;
  for (const tlog::WitnessTime& cosignature : verified->cosignatures) {
    if (Distance(TimeOf(cosignature), map->time) <= kMaxCosignatureGap) {
      tree.cosignatures.push_back(cosignature);
    }
  }
  if (!IsQuorumOf(log.policy, tree.cosignatures)) {
    return fail(
        fmt::format("its own time {} is not within 60 s of the witnesses' times: the "
                    "operator's clock is wrong, or it dates entries as it likes",
                    codec::FormatRfc3339(map->time)));
  }
  return tree;
}

Result<void> CheckFresh(const TrustedLog& log, const ProvenTree& newest, Timestamp now) {
  const bool needs_witnesses = !log.policy.IsQuorum({});
  if (newest.map.time > now + kMaxAhead) {
    return FailedPrecondition(fmt::format(
        "check your clock: the newest checkpoint is of {}, and this device's clock says "
        "{}",
        codec::FormatRfc3339(newest.map.time), codec::FormatRfc3339(now)));
  }
  std::vector<tlog::WitnessTime> fresh;
  for (const tlog::WitnessTime& cosignature : newest.cosignatures) {
    if (TimeOf(cosignature) + kMaxAge >= now) fresh.push_back(cosignature);
  }
  const bool is_fresh =
      needs_witnesses ? IsQuorumOf(log.policy, fresh) : newest.map.time + kMaxAge >= now;
  if (is_fresh) return {};
  return VerificationFailed(fmt::format(
      "the newest checkpoint is of {}, more than 10 minutes ago: the server shows an old "
      "state, in which later entries are missing (or this device's clock, {}, is ahead: "
      "check it first)",
      codec::FormatRfc3339(newest.map.time), codec::FormatRfc3339(now)));
}

Result<void> CheckKnown(const VerifyQuestion& question, const HistoryAnswer& answer,
                        const ProvenTree& newest) {
  if (!question.known) {
    if (!question.is_evidence && !answer.from_known.hashes().empty()) {
      return VerificationFailed(
          "the answer proves consistency with a checkpoint that was not asked");
    }
    return {};
  }
  const KnownCheckpoint& known = *question.known;
  if (newest.size < known.size) {
    return VerificationFailed(
        fmt::format("the log was rolled back: this device has seen {} entries, the newest "
                    "checkpoint has {}: {}",
                    known.size.value, newest.size.value, kKeepEvidence));
  }
  const auto consistent =
      answer.from_known.Verify(known.size, newest.size, known.root, newest.root);
  if (!consistent) {
    return VerificationFailed(
        fmt::format("the log was forked: its tree of {} entries does not begin with the {} that "
                    "this device has "
                    "verified before: {}",
                    newest.size.value, known.size.value, kKeepEvidence));
  }
  if (newest.map.time < known.time) {
    return VerificationFailed("the log's time went back since this device's last question");
  }
  return {};
}

Result<void> Timeline::Add(merkle::TreeSize size, Timestamp time) {
  const auto next = times_.lower_bound(size.value);
  const bool is_late = next != times_.end() && next->second < time;
  const bool is_early = next != times_.begin() && std::prev(next)->second > time;
  const bool is_other = next != times_.end() && next->first == size.value && next->second != time;
  if (is_late || is_early || is_other) {
    return VerificationFailed("the times of the log's checkpoints do not rise with their sizes");
  }
  times_.emplace(size.value, time);
  return {};
}

Timestamp Timeline::EarliestOf(merkle::LeafIndex index) const {
  const auto above = times_.upper_bound(index.value);  // size > index
  return above == times_.begin() ? Timestamp() : std::prev(above)->second;
}

Timestamp Timeline::LatestOf(merkle::LeafIndex index) const {
  const auto above = times_.upper_bound(index.value);
  return above == times_.end() ? Timestamp::max() : above->second;
}

namespace {

Result<ProvenTree> VerifyBracket(const TrustedLog& log, const HistoryAnswer::Bracket& bracket,
                                 const ProvenTree& newest, std::string_view which) {
  TRY(ProvenTree tree, VerifyTree(log, bracket.checkpoint, which));
  if (newest.size < tree.size ||
      !bracket.to_newest.Verify(tree.size, newest.size, tree.root, newest.root)) {
    return VerificationFailed(
        fmt::format("{} is not of the same log as the newest: {}", which, kKeepEvidence));
  }
  return tree;
}

}  // namespace

Result<AskedRange> VerifyBrackets(const TrustedLog& log, const VerifyQuestion& question,
                                  const HistoryAnswer& answer, const ProvenTree& newest,
                                  Timeline& timeline) {
  constexpr std::string_view kBefore = "the checkpoint before the days asked for";
  constexpr std::string_view kBehind = "the checkpoint behind the days asked for";
  AskedRange asked{0, newest.size.value};
  if ((answer.before && !question.from) || (answer.behind && !question.to)) {
    return VerificationFailed("the answer is cut to days that were not asked for");
  }
  if (answer.before) {
    TRY(const ProvenTree tree, VerifyBracket(log, *answer.before, newest, kBefore));
    if (tree.map.time > Timestamp(*question.from)) {
      return VerificationFailed(
          fmt::format("{} is of {}, in these days: entries before it would be missing", kBefore,
                      codec::FormatRfc3339(tree.map.time)));
    }
    TRY_VOID(timeline.Add(tree.size, tree.map.time));
    asked.begin = tree.size.value;
  }
  if (answer.behind) {
    TRY(const ProvenTree tree, VerifyBracket(log, *answer.behind, newest, kBehind));
    if (tree.map.time < Timestamp(*question.to + std::chrono::days(1))) {
      return VerificationFailed(
          fmt::format("{} is of {}, in these days: entries behind it would be missing", kBehind,
                      codec::FormatRfc3339(tree.map.time)));
    }
    TRY_VOID(timeline.Add(tree.size, tree.map.time));
    asked.end = tree.size.value;
  }
  return asked;
}

}  // namespace salus::audit
