#include "audit/historian.h"

#include <algorithm>
#include <chrono>

#include "base/secret.h"
#include "merkle/multi_proof.h"
#include "merkle/proof.h"

namespace salus::audit {

namespace {

using tlog::EntryKind;

constexpr std::chrono::seconds kMaxCosignedWait{10};
constexpr std::chrono::minutes kPageLifetime{10};
constexpr std::chrono::hours kPermitLifetime{1};
// What a page that is full may have read in vain.
constexpr std::size_t kReadTogether = 256;

// One text for everybody without the right: it must not tell whether the subject exists.
Error NotPermitted() { return PermissionDenied("not permitted"); }

// Entries that a reader always gets, whatever days it asked for: they say who could read when.
bool IsAlwaysShown(std::optional<EntryKind> kind) {
  return kind == EntryKind::kGrant || kind == EntryKind::kPolicy;
}

Result<ProvenCheckpoint> Prove(const tlog::Log& log, const merkle::HashReader& hashes,
                               std::string note, std::uint64_t size) {
  ProvenCheckpoint proven;
  proven.note = std::move(note);
  const merkle::LeafIndex last{size - 1};
  TRY(tlog::StoredEntry entry, log.ReadEntry(last));
  proven.map_entry = std::move(entry.entry);
  TRY(proven.map_inclusion, merkle::ProveInclusion(last, merkle::TreeSize{size}, hashes));
  return proven;
}

Result<HistoryAnswer::Bracket> MakeBracket(const tlog::Log& log, const merkle::HashReader& hashes,
                                           const tlog::StoredCheckpoint& kept,
                                           merkle::TreeSize newest) {
  HistoryAnswer::Bracket bracket;
  TRY(bracket.checkpoint, Prove(log, hashes, kept.note, kept.size));
  TRY(bracket.to_newest, merkle::ProveConsistency(merkle::TreeSize{kept.size}, newest, hashes));
  return bracket;
}

// Sets what the page shows to what stands between the brackets.
Result<void> AddBrackets(const tlog::Log& log, const merkle::HashReader& hashes,
                         const HistoryQuestion& question, HistoryAnswer& answer, PageToken& page) {
  if (question.from) {
    TRY(const auto kept, log.checkpoints().KeptAtOrBefore(Timestamp(*question.from)));
    if (kept && kept->size <= page.size.value) {
      TRY(answer.before, MakeBracket(log, hashes, *kept, page.size));
      page.shown_begin = kept->size;
    }
  }
  if (question.to) {
    const Timestamp end(*question.to + std::chrono::days(1));
    TRY(const auto kept, log.checkpoints().KeptAtOrAfter(end));
    if (kept && kept->size <= page.size.value) {
      TRY(answer.behind, MakeBracket(log, hashes, *kept, page.size));
      page.shown_end = kept->size;
    }
  }
  return {};
}

bool MayAsk(const Directory& directory, const Subject& asker, const Subject& subject, Day today) {
  switch (asker.kind) {
    case SubjectKind::kPatient:
    case SubjectKind::kSystem:  // the officers ask in its name
      return asker == subject && directory.FindPatient(asker).has_value();
    case SubjectKind::kAuditor:
      if (asker == subject) return directory.FindAuditor(asker.id).has_value();
      if (subject.kind == SubjectKind::kMandate) {
        return subject.id == asker.id && directory.FindMandate(asker.id).has_value();
      }
      return subject.kind == SubjectKind::kPatient &&
             directory.IsEntitled(asker.id, subject, today);
    default:
      return false;
  }
}

// Whether more may be asked for under a question about this subject.
bool LeadsFurther(const Subject& asker, const Subject& subject) {
  return subject.kind == SubjectKind::kMandate ||
         (asker == subject && asker.kind == SubjectKind::kPatient);
}

}  // namespace

Historian::Historian(const tlog::Log& log, const Directory& directory, Recorder& recorder,
                     const Clock& clock, RandomSource& random, PageLimits limits)
    : log_(log),
      directory_(directory),
      recorder_(recorder),
      clock_(clock),
      updates_(log),
      tokens_(random),
      limits_(limits) {}

// The chain from at.position on, as far as a page goes.
Result<HistoryPage> Historian::MakePage(PageToken at) const {
  TRY(const std::vector<std::uint64_t> indexes,
      log_.EntriesOf(recorder_.TagOf(at.subject).tag, at.size));
  if (indexes.size() != at.count) {
    return Corruption(
        "the index does not have all entries of this chain: rebuild it with "
        "`salus log fsck --rebuild`");
  }
  HistoryPage page;
  page.size = at.size;
  page.position = at.position;
  std::uint64_t position = at.position;
  std::size_t bytes = 0;
  bool is_full = false;
  const auto take = [&](const storage::RecordView& record) -> Result<void> {
    is_full = is_full || bytes >= limits_.shown_bytes;
    if (is_full) return {};
    const merkle::LeafIndex index{record.number};
    if (position++ >= at.after) {
      page.chain.push_back({index, merkle::LeafHash(record.payload_hash)});
    }
    const bool is_asked = index.value >= at.shown_begin && index.value < at.shown_end;
    if (!is_asked && !IsAlwaysShown(tlog::KindOf(record.payload))) return {};
    page.shown.push_back({index, ToBytes(record.payload)});
    bytes += record.payload.size();
    return {};
  };
  const auto left = std::span(indexes).subspan(std::min<std::size_t>(at.position, indexes.size()));
  const auto part = left.first(std::min(left.size(), limits_.chain_items));
  for (std::size_t done = 0; done < part.size() && !is_full; done += kReadTogether) {
    const std::size_t count = std::min(kReadTogether, part.size() - done);
    TRY_VOID(log_.ReadEntries(part.subspan(done, count), take));
  }
  std::vector<merkle::LeafIndex> shown;
  for (const ShownEntry& entry : page.shown) shown.push_back(entry.index);
  TRY(page.inclusion, merkle::ProveMany(shown, at.size, log_.HashesForAnswer()));
  at.position = position;
  if (position < indexes.size()) page.next = NextPage{position, tokens_.Sign(at)};
  return page;
}

// Knowing a mandate's tag is the right to read its chain: only the entry about it in a patient's
// chain tells it, and that stays there when the mandate ends.
bool Historian::KnowsTag(const HistoryQuestion& question) const {
  return question.subject.kind == SubjectKind::kMandate && question.mandate_tag &&
         directory_.FindMandate(question.subject.id) &&
         ConstantTimeEqual(recorder_.TagOf(question.subject).tag.span(),
                           question.mandate_tag->span());
}

// Decides on the right, and fills in the question's own entry.
Result<void> Historian::Record(const Subject& asker, const HistoryQuestion& question, Timestamp now,
                               HistoryAnswer& answer) {
  const bool may_ask = MayAsk(directory_, asker, question.subject, DayOf(now));
  if (!question.under.empty()) {
    TRY(const QueryPermit permit, tokens_.OpenPermit(question.under, now));
    if (permit.asker != asker) return NotPermitted();
    const bool is_of_mandate = permit.subject.kind == SubjectKind::kMandate &&
                               question.subject.kind == SubjectKind::kPatient && may_ask;
    const bool is_of_own = permit.subject == asker && KnowsTag(question);
    if (!is_of_mandate && !is_of_own) return NotPermitted();
    // Whoever came under the mandate behind the question would never see it.
    if (is_of_mandate && permit.query_index < recorder_.LastPolicyOf(permit.subject)) {
      return FailedPrecondition("the mandate was changed since: ask for the mandate again");
    }
    answer.query_index = permit.query_index;
    answer.query_leaf = permit.query_leaf;
    return {};
  }
  if (!may_ask) {
    // Whoever asks about itself learns nothing new from this; its row is missing or altered.
    const bool is_known = asker == question.subject && asker.kind == SubjectKind::kPatient &&
                          log_.ProveChain(recorder_.TagOf(asker).tag).value;
    return is_known ? BrokenRegistration() : NotPermitted();
  }
  const Recorder::Query query{question.subject, asker, question.purpose,
                              question.from ? Timestamp(*question.from) : Timestamp(),
                              question.to ? Timestamp(*question.to + std::chrono::days(1)) : now};
  TRY(const Recorder::LoggedQuery logged, recorder_.RecordQuery(query));
  answer.query_index = logged.index;
  answer.query_leaf = logged.leaf_hash;
  answer.query_receipt = logged.receipt;
  if (LeadsFurther(asker, question.subject)) {
    answer.permit = tokens_.Sign(QueryPermit{.asker = asker,
                                             .subject = question.subject,
                                             .query_index = logged.index,
                                             .query_leaf = logged.leaf_hash,
                                             .expires = now + kPermitLifetime});
  }
  return {};
}

Result<HistoryAnswer> Historian::Answer(const Subject& asker, const HistoryQuestion& question) {
  const Timestamp now = clock_.Now();
  HistoryAnswer answer;
  TRY_VOID(Record(asker, question, now, answer));
  if (question.wait_cosigned) {
    // A repeated question has an old entry: what is waited for is all that is logged by now.
    log_.WaitPublished(merkle::LeafIndex{log_.record_count() - 1}, kMaxCosignedWait);
  }

  const ProvenTag tag = recorder_.TagOf(question.subject);
  const tlog::ChainProof chain = log_.ProveChain(tag.tag);
  if (!chain.checkpoint) return Unavailable("no checkpoint is published yet: ask again");
  const merkle::TreeSize newest = chain.checkpoint->size;
  const tlog::OneTileALevel hashes = log_.HashesForAnswer();

  TRY(answer.newest, Prove(log_, hashes, chain.checkpoint->note, newest.value));
  if (question.known_size > 0 && question.known_size <= newest.value) {
    TRY(answer.from_known,
        merkle::ProveConsistency(merkle::TreeSize{question.known_size}, newest, hashes));
  }
  answer.tag_proof = tag.proof;
  answer.map_proof = chain.proof;
  answer.map_value = chain.value;
  answer.after = question.after;

  PageToken at{.asker = asker,
               .subject = question.subject,
               .size = newest,
               .shown_begin = 0,
               .shown_end = newest.value,
               .after = question.after,
               .count = chain.value ? chain.value->count : 0,
               .position = 0,
               .expires = now + kPageLifetime};
  TRY_VOID(AddBrackets(log_, hashes, question, answer, at));
  TRY(HistoryPage page, MakePage(std::move(at)));
  answer.chain = std::move(page.chain);
  answer.shown = std::move(page.shown);
  answer.inclusion.push_back({answer.shown.size(), std::move(page.inclusion)});
  answer.next = std::move(page.next);
  return answer;
}

Result<HistoryPage> Historian::Page(const Subject& asker, std::string_view token) {
  const Timestamp now = clock_.Now();
  TRY(PageToken at, tokens_.OpenPage(token, now));
  // A mandate's chain stays open to a patient whom it named once.
  const bool is_named =
      asker.kind == SubjectKind::kPatient && at.subject.kind == SubjectKind::kMandate;
  if (at.asker != asker || !(is_named || MayAsk(directory_, asker, at.subject, DayOf(now)))) {
    return NotPermitted();
  }
  at.expires = now + kPageLifetime;
  return MakePage(std::move(at));
}

Result<IncludedEntry> Historian::EntryForSource(const SourceRow& source, merkle::LeafIndex index) {
  const auto published = log_.published();
  if (!published) return Unavailable("no checkpoint is published yet: ask again");
  if (index.value >= log_.record_count()) return NotPermitted();
  TRY(tlog::StoredEntry entry, log_.ReadEntry(index));
  if (entry.meta.source != source.number) return NotPermitted();
  if (index.value >= published->size.value) {
    return Unavailable("no checkpoint covers this entry yet: ask again");
  }
  IncludedEntry shown{index, std::move(entry.entry), {}, {}};
  TRY(shown.inclusion, merkle::ProveInclusion(index, published->size, log_.hashes()));
  TRY(shown.filing, updates_.Prove(index));
  return shown;
}

}  // namespace salus::audit
