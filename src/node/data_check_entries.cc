// Entry after entry: is it one, does it step the chain that it must step, and does the map that
// comes out stand in the next kind 3 entry?

#include <fmt/format.h>

#include <algorithm>

#include "audit/grant.h"
#include "codec/cbor.h"
#include "codec/rfc3339.h"
#include "merkle/hash.h"
#include "node/data_check_parts.h"

namespace salus::node {

namespace {

using audit::EntryKind;
using audit::EntryView;
using tlog::KindOf;

constexpr std::uint32_t kMaxSubjectNumber = 1u << 28;

// P4.1: which entries step a chain.
bool MustStep(const EntryView& entry) {
  switch (entry.kind) {
    case EntryKind::kSealedEvent:
    case EntryKind::kGrant:
    case EntryKind::kQuery:
      return true;
    default:
      return entry.other && entry.other->about_subject;
  }
}

}  // namespace

void EntryCheck::Tampered(std::uint64_t index, const std::string& kind, std::string what) {
  CheckFinding finding;
  finding.what = std::move(what);
  finding.file = "log/segments";
  finding.entry = index;
  finding.advice = "compare with a mirror or a backup; keep this directory as evidence";
  findings_.Counted(kind, std::move(finding));
}

void EntryCheck::Visit(std::uint64_t index, ByteSpan meta_bytes, ByteSpan entry,
                       const merkle::LeafHash& leaf) {
  ++report_.entries;
  const Result<tlog::RecordMeta> meta = tlog::RecordMeta::Parse(meta_bytes);
  if (!meta) {
    Tampered(index, "meta", fmt::format("what stands beside entry {} can't be read", index));
    is_map_lost_ = true;
    return;
  }
  Chain* const chain = ChainOf(index, *meta);
  CheckEntry(index, entry, *meta, chain);
  if (chain != nullptr) {
    chain->head = merkle::ChainStep(chain->head, merkle::LeafIndex{index}, leaf);
    if (chain->count++ == 0) ++subjects_;
    if (!chain->is_touched) touched_.push_back(meta->subject->value);
    chain->is_touched = true;
    updates_.push_back(tlog::HashUpdate(merkle::LeafIndex{index}, chain->tag));
  }
  if (KindOf(entry) == EntryKind::kMapRoot) CloseMap(index, entry);
}

void EntryCheck::Missing(std::uint64_t) { is_map_lost_ = true; }

EntryCheck::Chain* EntryCheck::ChainOf(std::uint64_t index, const tlog::RecordMeta& meta) {
  if (!meta.subject) return nullptr;
  const std::uint32_t number = meta.subject->value;
  if (number >= kMaxSubjectNumber) {
    Tampered(index, "subject", fmt::format("entry {} names a subject that can't be", index));
    is_map_lost_ = true;
    return nullptr;
  }
  if (number >= chains_.size()) chains_.resize(number + 1);
  Chain& chain = chains_[number];
  if (meta.introduces) {
    if (chain.is_known || !tags_.insert(*meta.introduces).second) {
      Tampered(index, "subject",
               fmt::format("entry {} introduces a subject a second time: it would have two chains",
                           index));
    }
    chain.tag = *meta.introduces;
    chain.head = merkle::ChainHead0(log_.origin, chain.tag);
    chain.is_known = true;
  }
  if (!chain.is_known) {
    Tampered(index, "subject",
             fmt::format("entry {} belongs to a subject that was not introduced", index));
    is_map_lost_ = true;
    return nullptr;
  }
  return &chain;
}

void EntryCheck::CheckEntry(std::uint64_t index, ByteSpan entry, const tlog::RecordMeta& meta,
                            const Chain* chain) {
  const std::optional<EntryKind> kind = KindOf(entry);
  if (index == 0) return CheckGenesis(entry);
  if (kind == EntryKind::kMapRoot) {
    if (chain != nullptr) {
      Tampered(index, "kind", fmt::format("map root {} stands in a subject's chain", index));
    }
    return;
  }
  if (kind == EntryKind::kGenesis) {
    Tampered(index, "kind", fmt::format("entry {} begins a log inside the log", index));
    return;
  }
  const Result<EntryView> view = audit::ParseEntry(entry);
  if (!view) {
    Tampered(index, "entry", fmt::format("entry {} is not the encoding of an entry", index));
    return;
  }
  CheckKind(index, *view, meta, chain);
}

void EntryCheck::CheckGenesis(ByteSpan entry) {
  const Result<audit::Genesis> genesis = audit::ParseGenesis(entry);
  const bool fits =
      genesis && genesis->origin == log_.origin && genesis->log_key == log_.log_vkey &&
      genesis->receipt_key == log_.receipt_vkey && genesis->vrf_key == log_.vrf_key.bytes() &&
      genesis->index_check == index_check_;
  if (fits) return;
  Tampered(0, "genesis",
           "entry 0 does not name this log's origin and keys: keys/ or the config is "
           "another log's, or entry 0 was changed");
}

void EntryCheck::CheckKind(std::uint64_t index, const EntryView& entry,
                           const tlog::RecordMeta& meta, const Chain* chain) {
  if (MustStep(entry) != (chain != nullptr)) {
    Tampered(index, "step",
             chain == nullptr
                 ? fmt::format("entry {} is about a subject, and is filed under none", index)
                 : fmt::format("entry {} is filed under a subject, and is about none", index));
    return;
  }
  if (const auto row = RowEntryOf(index, meta, entry)) rows_.all.push_back(*row);
  if (entry.kind == EntryKind::kCertificate) KeepCertificate(entry);
  if (entry.grant && chain != nullptr) {
    grants_[index] = meta.subject->value;
    if (audit::FindOf(chain->tag, entry.grant->commit) != entry.grant->find) {
      Tampered(index, "misfiled",
               fmt::format("grant {} is filed under another subject than the one it was made for",
                           index));
    }
  }
  CheckGrantOf(index, meta);
}

// {1: SHA-256 of the certificate, ...}.
void EntryCheck::KeepCertificate(const EntryView& entry) {
  if (!entry.other || entry.other->sealed) return;
  codec::CborReader reader(entry.other->clear);
  if (!reader.Map() || !reader.Uint()) return;
  const auto hash = reader.ByteString();
  crypto::Hash32 known{};
  if (!hash || hash->size() != known.size()) return;
  std::copy(hash->begin(), hash->end(), known.begin());
  rows_.certificates.insert(known);
}

// An entry and the grant of its key are of one subject.
void EntryCheck::CheckGrantOf(std::uint64_t index, const tlog::RecordMeta& meta) {
  if (meta.grant == 0 || !meta.subject) return;
  const auto grant = grants_.find(meta.grant);
  if (grant == grants_.end()) {
    Tampered(index, "grant",
             fmt::format("entry {} is sealed under grant {}, which is no grant before it", index,
                         meta.grant));
  } else if (grant->second != meta.subject->value) {
    Tampered(index, "misfiled",
             fmt::format("entry {} is filed under another subject than the one whose key sealed it",
                         index));
  }
}

void EntryCheck::CloseMap(std::uint64_t index, ByteSpan entry) {
  ++report_.map_roots;
  const Result<tlog::MapRootEntry> stored = tlog::MapRootEntry::Parse(entry);
  if (!stored) {
    Tampered(index, "map", fmt::format("map root {} can't be read", index));
    return;
  }
  if (stored->time < last_time_) {
    Tampered(index, "time", fmt::format("map root {} is older than the one before it", index));
  }
  last_time_ = stored->time;
  std::vector<merkle::MapUpdate> changed;
  for (const std::uint32_t number : touched_) {
    Chain& chain = chains_[number];
    changed.push_back({merkle::PositionOf(chain.tag), {chain.count, chain.head}});
    chain.is_touched = false;
  }
  map_.Apply(changed);
  report_.subjects = subjects_;
  const bool fits = stored->size == index && stored->map_root == map_.root() &&
                    stored->subjects == subjects_ && stored->updates == merkle::RootOf(updates_);
  if (!fits && !is_map_lost_ && differing_roots_++ == 0) {
    CheckFinding finding;
    const bool same_updates = stored->updates == merkle::RootOf(updates_);
    finding.what = fmt::format(
        "the map that follows from entries 0 to {} is not the one that entry {} ({}) states: {}",
        index - 1, index, codec::FormatRfc3339(stored->time),
        same_updates ? "the map was replaced (a subject's count or head was set otherwise)"
                     : fmt::format("an entry from {} to {} was filed under another subject, or "
                                   "changed",
                                   last_root_ + 1, index - 1));
    finding.file = "log/segments";
    finding.entry = index;
    finding.advice =
        "each patient named by an entry in between must be told; compare with a mirror's copy";
    findings_.Add(std::move(finding));
  }
  if (!fits) last_differing_ = index;
  last_root_ = index;
  touched_.clear();
  updates_.clear();
}

void EntryCheck::Finish() {
  if (differing_roots_ > 1) {
    CheckFinding finding;
    finding.what = fmt::format("{} map roots differ in all, the last of them entry {}",
                               differing_roots_, last_differing_);
    finding.file = "log/segments";
    finding.entry = last_differing_;
    findings_.Add(std::move(finding));
  }
  if (is_map_lost_) {
    CheckFinding finding;
    finding.severity = CheckSeverity::kNotice;
    finding.what = "the map could not be replayed behind an entry that can't be read";
    findings_.Add(std::move(finding));
  }
}

}  // namespace salus::node
