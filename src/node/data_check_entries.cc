// Entry after entry: is it one, does it step the chain that it must step, and does the map that
// comes out stand in the next kind 3 entry?

#include <fmt/format.h>

#include <algorithm>

#include "audit/grant.h"
#include "codec/cbor.h"
#include "codec/rfc3339.h"
#include "node/data_check_parts.h"

namespace salus::node {

namespace {

using audit::EntryKind;
using audit::EntryView;
using tlog::KindOf;

// Numbers are given in order, and each that is known for longer than a moment gets an entry. The
// bound keeps a made up number from taking memory.
constexpr std::uint64_t kUnusedSubjects = 1u << 20;

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
  const std::optional<std::uint32_t> subject = SubjectOf(index, *meta);
  CheckEntry(index, entry, *meta, subject);
  if (subject) map_.Step(*subject, merkle::LeafIndex{index}, leaf);
  if (KindOf(entry) == EntryKind::kMapRoot) CloseMap(index, entry);
}

void EntryCheck::Missing(std::uint64_t) { is_map_lost_ = true; }

std::optional<std::uint32_t> EntryCheck::SubjectOf(std::uint64_t index,
                                                   const tlog::RecordMeta& meta) {
  if (!meta.subject) return std::nullopt;
  const std::uint32_t number = meta.subject->value;
  if (number > index + kUnusedSubjects) {
    Tampered(index, "subject", fmt::format("entry {} names a subject that can't be", index));
    is_map_lost_ = true;
    return std::nullopt;
  }
  if (meta.introduces && !map_.Introduce(number, *meta.introduces)) {
    Tampered(index, "subject",
             fmt::format("entry {} introduces a subject a second time: it would have two chains",
                         index));
  }
  if (map_.IsKnown(number)) return number;
  Tampered(index, "subject",
           fmt::format("entry {} belongs to a subject that was not introduced", index));
  is_map_lost_ = true;
  return std::nullopt;
}

void EntryCheck::CheckEntry(std::uint64_t index, ByteSpan entry, const tlog::RecordMeta& meta,
                            std::optional<std::uint32_t> subject) {
  const std::optional<EntryKind> kind = KindOf(entry);
  if (index == 0) return CheckGenesis(entry);
  if (kind == EntryKind::kMapRoot) {
    if (subject) {
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
  CheckKind(index, *view, meta, subject);
}

void EntryCheck::CheckGenesis(ByteSpan entry) {
  const Result<audit::Genesis> genesis = audit::ParseGenesis(entry);
  const bool fits =
      audit::IsGenesisOf(log_, entry) && genesis && genesis->index_check == index_check_;
  if (fits) return;
  Tampered(0, "genesis",
           "entry 0 does not name this log's origin and keys: keys/ or the config is "
           "another log's, or entry 0 was changed");
}

void EntryCheck::CheckKind(std::uint64_t index, const EntryView& entry,
                           const tlog::RecordMeta& meta, std::optional<std::uint32_t> subject) {
  if (audit::StepsAChain(entry) != subject.has_value()) {
    Tampered(index, "step",
             !subject ? fmt::format("entry {} is about a subject, and is filed under none", index)
                      : fmt::format("entry {} is filed under a subject, and is about none", index));
    return;
  }
  if (const auto row = RowEntryOf(index, meta, entry)) rows_.all.push_back(*row);
  if (entry.kind == EntryKind::kCertificate) KeepCertificate(entry);
  if (entry.grant && subject) {
    grants_[index] = *subject;
    if (audit::FindOf(map_.TagOf(*subject), entry.grant->commit) != entry.grant->find) {
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
  const tlog::MapReplay::Comparison compared = map_.Close(merkle::LeafIndex{index}, *stored);
  report_.subjects = map_.subjects();
  if (!compared.is_in_order) {
    Tampered(index, "time",
             fmt::format("map root {} does not say its own place, or is older than the one before "
                         "it",
                         index));
  }
  const bool fits = compared.fits();
  if (!fits && !is_map_lost_ && differing_roots_++ == 0) {
    CheckFinding finding;
    finding.what = fmt::format(
        "the map that follows from entries 0 to {} is not the one that entry {} ({}) states: {}",
        index - 1, index, codec::FormatRfc3339(stored->time),
        !compared.has_steps
            ? fmt::format("an entry from {} to {} was filed under another subject, or changed",
                          last_root_ + 1, index - 1)
        : last_root_ + 1 == index  // nothing stands in between
            ? std::string("the map was replaced (a subject's count or head was set otherwise)")
            : fmt::format("an entry from {} to {} was changed, or the map was replaced (a "
                          "subject's count or head was set otherwise)",
                          last_root_ + 1, index - 1));
    finding.file = "log/segments";
    finding.entry = index;
    finding.advice =
        "each patient named by an entry in between must be told; compare with a mirror's copy";
    findings_.Add(std::move(finding));
  }
  if (!fits) last_differing_ = index;
  last_root_ = index;
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
