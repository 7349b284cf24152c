#include "audit/historian.h"

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "merkle/proof.h"

namespace salus::audit {

namespace {

using tlog::EntryKind;

constexpr std::chrono::seconds kMaxCosignedWait{10};

// One text for everybody without the right: it must not tell whether the subject exists.
Error NotPermitted() { return PermissionDenied("not permitted"); }

// [kind, body] begins with the byte of a two-element array, then the small number itself.
EntryKind KindOf(ByteSpan entry) { return static_cast<EntryKind>(entry.size() < 2 ? 0 : entry[1]); }

// Entries that a reader always gets, whatever days it asked for: they say who could read when.
bool IsAlwaysShown(EntryKind kind) {
  return kind == EntryKind::kGrant || kind == EntryKind::kPolicy;
}

struct IndexRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

Result<ProvenCheckpoint> Prove(const tlog::Log& log, std::string note, std::uint64_t size) {
  ProvenCheckpoint proven;
  proven.note = std::move(note);
  const merkle::LeafIndex last{size - 1};
  TRY(tlog::StoredEntry entry, log.ReadEntry(last));
  proven.map_entry = std::move(entry.entry);
  TRY(proven.map_inclusion, merkle::ProveInclusion(last, merkle::TreeSize{size}, log.hashes()));
  return proven;
}

Result<HistoryAnswer::Bracket> MakeBracket(const tlog::Log& log, const tlog::StoredCheckpoint& kept,
                                           merkle::TreeSize newest) {
  HistoryAnswer::Bracket bracket;
  TRY(bracket.checkpoint, Prove(log, kept.note, kept.size));
  TRY(bracket.to_newest,
      merkle::ProveConsistency(merkle::TreeSize{kept.size}, newest, log.hashes()));
  return bracket;
}

Result<IndexRange> AddBrackets(const tlog::Log& log, const HistoryQuestion& question,
                               merkle::TreeSize newest, HistoryAnswer& answer) {
  IndexRange range{0, newest.value};
  if (question.from) {
    TRY(const auto kept, log.checkpoints().KeptAtOrBefore(Timestamp(*question.from)));
    if (kept && kept->size <= newest.value) {
      TRY(answer.before, MakeBracket(log, *kept, newest));
      range.begin = kept->size;
    }
  }
  if (question.to) {
    const Timestamp end(*question.to + std::chrono::days(1));
    TRY(const auto kept, log.checkpoints().KeptAtOrAfter(end));
    if (kept && kept->size <= newest.value) {
      TRY(answer.behind, MakeBracket(log, *kept, newest));
      range.end = kept->size;
    }
  }
  return range;
}

Result<void> AddEntries(const tlog::Log& log, std::span<const std::uint64_t> indexes,
                        std::uint64_t after, IndexRange shown, merkle::TreeSize newest,
                        HistoryAnswer& answer) {
  std::size_t position = 0;
  return log.ReadEntries(indexes, [&](const storage::RecordView& record) -> Result<void> {
    const merkle::LeafIndex index{record.number};
    if (position++ >= after) {
      answer.chain.push_back({index, merkle::LeafHash(record.payload_hash)});
    }
    const bool is_asked = index.value >= shown.begin && index.value < shown.end;
    if (!is_asked && !IsAlwaysShown(KindOf(record.payload))) return {};
    ShownEntry entry{index, ToBytes(record.payload), {}};
    TRY(entry.inclusion, merkle::ProveInclusion(index, newest, log.hashes()));
    answer.shown.push_back(std::move(entry));
    return {};
  });
}

bool MayAsk(const Directory& directory, const Subject& asker, const Subject& subject, Day today) {
  // The system subject is asked about by the officers, in its own name.
  const bool is_reader = asker.kind == SubjectKind::kPatient ||
                         asker.kind == SubjectKind::kAuditor || asker.kind == SubjectKind::kSystem;
  if (!is_reader) return false;
  if (asker == subject) {
    return asker.kind == SubjectKind::kAuditor ? directory.FindAuditor(asker.id).has_value()
                                               : directory.FindPatient(asker).has_value();
  }
  return asker.kind == SubjectKind::kAuditor && subject.kind == SubjectKind::kPatient &&
         directory.IsEntitled(asker.id, subject, today);
}

}  // namespace

Historian::Historian(const tlog::Log& log, const Directory& directory, Recorder& recorder,
                     const Clock& clock)
    : log_(log), directory_(directory), recorder_(recorder), clock_(clock) {}

Result<HistoryAnswer> Historian::Answer(const Subject& asker, const HistoryQuestion& question) {
  const Timestamp now = clock_.Now();
  if (!MayAsk(directory_, asker, question.subject, DayOf(now))) return NotPermitted();
  Recorder::Query query{question.subject, asker, "",
                        question.from ? Timestamp(*question.from) : Timestamp(),
                        question.to ? Timestamp(*question.to + std::chrono::days(1)) : now};
  TRY(const Recorder::LoggedQuery logged, recorder_.RecordQuery(query));
  if (question.wait_cosigned) log_.WaitPublished(logged.index, kMaxCosignedWait);

  const ProvenTag tag = recorder_.TagOf(question.subject);
  const tlog::ChainProof chain = log_.ProveChain(tag.tag);
  if (!chain.checkpoint) return Unavailable("no checkpoint is published yet: ask again");
  const merkle::TreeSize newest = chain.checkpoint->size;

  HistoryAnswer answer;
  TRY(answer.newest, Prove(log_, chain.checkpoint->note, newest.value));
  if (question.known_size > 0 && question.known_size <= newest.value) {
    TRY(answer.from_known,
        merkle::ProveConsistency(merkle::TreeSize{question.known_size}, newest, log_.hashes()));
  }
  answer.tag_proof = tag.proof;
  answer.map_proof = chain.proof;
  answer.map_value = chain.value;
  answer.after = question.after;
  answer.query_index = logged.index;
  answer.query_leaf = logged.leaf_hash;
  answer.query_receipt = logged.receipt;

  TRY(const std::vector<std::uint64_t> indexes, log_.EntriesOf(tag.tag, newest));
  if (indexes.size() != (chain.value ? chain.value->count : 0)) {
    return Corruption(
        "the index does not have all entries of this chain: rebuild it with "
        "`salus log fsck --rebuild`");
  }
  TRY(const IndexRange shown, AddBrackets(log_, question, newest, answer));
  TRY_VOID(AddEntries(log_, indexes, question.after, shown, newest, answer));
  return answer;
}

Result<ShownEntry> Historian::EntryForSource(const SourceRow& source, merkle::LeafIndex index) {
  const auto published = log_.published();
  if (!published) return Unavailable("no checkpoint is published yet: ask again");
  if (index.value >= published->size.value) return NotPermitted();
  TRY(tlog::StoredEntry entry, log_.ReadEntry(index));
  if (entry.meta.source != source.number) return NotPermitted();
  ShownEntry shown{index, std::move(entry.entry), {}};
  TRY(shown.inclusion, merkle::ProveInclusion(index, published->size, log_.hashes()));
  return shown;
}

}  // namespace salus::audit
