// Recorder's other entries: policies, queries, unknown patients, and the receipts of every commit.

#include <algorithm>
#include <chrono>
#include <future>

#include "audit/custody.h"
#include "audit/notices.h"
#include "audit/padding.h"
#include "audit/read_back.h"
#include "audit/recorder.h"
#include "audit/recorder_state.h"
#include "base/check.h"
#include "base/log.h"
#include "codec/cbor.h"
#include "merkle/hash.h"

namespace salus::audit {

namespace {

using tlog::EntryKind;

constexpr std::chrono::hours kQueryRepeat{1};
constexpr int kMaxRounds = 4;
constexpr std::size_t kCustodyThreshold = 2;
constexpr std::size_t kPoliciesPerCommit = 1000;

void AddEntry(tlog::Submission& submission, Bytes entry, tlog::NewEntry added) {
  added.offset = submission.arena.size();
  added.size = entry.size();
  added.leaf_hash = merkle::HashLeaf(entry);
  Append(submission.arena, entry);
  submission.entries.push_back(std::move(added));
}

// The custodian's id stands in the row only: the log's bytes name nobody.
Bytes ShareContent(const CustodyShareRow& share) {
  Bytes content;
  codec::CborWriter writer(content);
  writer.Map(3);
  writer.Uint(1);
  writer.Uint(share.share_number);
  writer.Uint(2);
  writer.Uint(share.threshold);
  writer.Uint(3);
  writer.Text(share.sealed_share);
  return content;
}

Bytes QueryContent(const Recorder::Query& query, Timestamp now) {
  return EncodeQuestionNotice({.asker_role = std::string(SubjectKindName(query.asker.kind)),
                               .asker = query.asker.id,
                               .purpose = query.purpose,
                               .from = query.from,
                               .to = query.to,
                               .asked = now});
}

}  // namespace

void SignReceipts(Recorder::State& state, tlog::CommitAnswers& answers) {
  if (!answers.hashes.empty()) {
    answers.tree.AppendMany(answers.hashes);
    const ReceiptBody body{state.parts.origin, answers.first_index,   answers.count,
                           answers.time,       answers.hashes.size(), answers.tree.Root()};
    answers.receipt_note = state.parts.signer->SignReceipt(body.ToText());
  }
  std::vector<std::function<void()>> waiting;
  {
    std::lock_guard lock(answers.mutex);
    waiting.swap(answers.when_receipted);
  }
  // Every submission of the commit was read back: nobody needs the grants' entries again.
  for (const auto& grant : answers.grants) grant->LetGo();
  for (const auto& then : waiting) then();
}

void FinishAnswers(Recorder::State& state, const std::shared_ptr<tlog::CommitAnswers>& answers,
                   std::function<void()> then) {
  bool is_last = false;
  {
    std::lock_guard lock(answers->mutex);
    answers->when_receipted.push_back(std::move(then));
    is_last = --answers->submissions_left == 0;
  }
  if (is_last) SignReceipts(state, *answers);
}

namespace {

// SealedContent is what an entry of kind 4 or 6 was sealed from; no epoch: it is in clear.
struct SealedContent {
  std::shared_ptr<Epoch> epoch;
  std::shared_ptr<const KnownSubject> subject;
  Bytes padded;
};

Result<void> OpenOther(Sealer& sealer, const SealedContent& content, const EntryView& read) {
  if (!read.other || read.other->sealed.has_value() != (content.epoch != nullptr)) {
    return Corruption("an entry reads back as another kind");
  }
  if (!content.epoch) return {};
  const SealedBody& body = *read.other->sealed;
  const EntryKey key = content.epoch->key.KeyOf(body.iv);
  if (KeyIdOf(key) != body.key_id) return Corruption("an entry reads back with another key's id");
  TRY(Bytes opened, sealer.Open(key, content.subject->sealing_aad, body));
  const bool same = Equal(opened, content.padded);
  WipeMemory(opened.data(), opened.size());
  return same ? Result<void>() : Corruption("an entry opens to other content");
}

std::optional<crypto::Hash32> DigestOf(const NewPolicy& policy) {
  if (!policy.row) return std::nullopt;
  return RowDigest(OriginOf(*policy.row).salt, EncodeRow(*policy.row));
}

// Seals one policy and adds it. The caller holds LockReaders.
Result<SealedContent> AddPolicy(Recorder::State& state, const NewPolicy& policy, Day today,
                                Sealer& sealer, tlog::Submission& submission) {
  OtherBody body{.type = policy.type,
                 .about_subject = policy.subject.has_value(),
                 .row_digest = DigestOf(policy),
                 .sealed = std::nullopt,
                 .clear = policy.content};
  tlog::NewEntry added;
  SealedContent content;
  Bytes ciphertext;
  if (policy.subject) {
    // Readers tell policy entries by their type.
    CHECK(policy.ends_epoch == EndsEpoch(policy.type));
    const auto subject = state.subjects.Get(*policy.subject);
    added.subject = subject->number;
    added.is_policy = policy.ends_epoch;
    if (policy.is_sealed) {
      TRY(const auto epoch, state.epochs.GetLocked(subject, today, policy.first_key));
      content = {epoch, subject, EncodePadded(policy.content)};
      body.sealed = sealer.SealBody(epoch->key, subject->sealing_aad, content.padded, ciphertext);
      submission.grants.push_back(epoch->grant);
      added.grant = epoch->grant.get();
    }
  }
  AddEntry(submission, EncodeOther(policy.kind, body), std::move(added));
  return content;
}

// Seals and submits until no grant is stale; what is logged is not submitted again. The caller
// holds LockReaders.
Result<std::vector<LoggedPolicy>> SubmitPolicies(Recorder::State& state,
                                                 std::span<const NewPolicy> policies) {
  const Day today = DayOf(state.parts.clock->Now());
  Sealer sealer(*state.parts.random);
  std::vector<LoggedPolicy> logged(policies.size());
  std::vector<std::size_t> left(policies.size());
  for (std::size_t i = 0; i < left.size(); ++i) left[i] = i;
  for (int round = 0; round < kMaxRounds; ++round) {
    auto submission = std::make_unique<tlog::Submission>();
    submission->may_use_reserve = true;
    std::vector<SealedContent> contents;
    for (const std::size_t i : left) {
      TRY(SealedContent content, AddPolicy(state, policies[i], today, sealer, *submission));
      contents.push_back(std::move(content));
    }
    submission = state.parts.log->SubmitAndWait(std::move(submission));
    if (!submission->status) return submission->status.error();
    RequireReadBack(*state.parts.log, *submission, [&](std::size_t i, const EntryView& read) {
      return OpenOther(sealer, contents[i], read);
    });
    FinishAnswers(state, submission->answers, [] {});
    std::vector<std::size_t> stale;
    for (std::size_t at = 0; at < left.size(); ++at) {
      const tlog::Outcome& outcome = submission->outcomes[at];
      if (outcome.kind == tlog::OutcomeKind::kStaleGrant) {
        stale.push_back(left[at]);
        state.epochs.Forget(state.subjects.Get(*policies[left[at]].subject)->number);
      } else {
        logged[left[at]] = {outcome.index, outcome.leaf_hash};
      }
    }
    if (stale.empty()) return logged;
    left = std::move(stale);
  }
  return Unavailable("the readers of a subject keep changing: try again");
}

// The rows are written before their entries, so that a crash in between finds them. The caller
// holds LockReaders.
Result<std::vector<LoggedPolicy>> LogAndStore(Recorder::State& state,
                                              std::span<NewPolicy> policies) {
  std::vector<Row> rows;
  for (NewPolicy& policy : policies) {
    if (!policy.row) continue;
    state.parts.random->Fill(OriginOf(*policy.row).salt);
    rows.push_back(*policy.row);
  }
  const auto published = state.parts.log->published();
  TRY_VOID(state.parts.directory->Intend(rows, published ? published->size.value : 0));
  std::vector<LoggedPolicy> logged;
  while (logged.size() < policies.size()) {
    // What belongs to one subject is logged at once or not at all.
    std::size_t end = std::min(logged.size() + kPoliciesPerCommit, policies.size());
    while (end < policies.size() && policies[end].subject == policies[end - 1].subject) ++end;
    TRY(const auto added,
        SubmitPolicies(state, policies.subspan(logged.size(), end - logged.size())));
    logged.insert(logged.end(), added.begin(), added.end());
  }
  std::size_t row = 0;
  for (std::size_t i = 0; i < policies.size(); ++i) {
    if (policies[i].row) OriginOf(rows[row++]).entry_index = logged[i].index.value;
  }
  TRY_VOID(state.parts.directory->Store(rows));
  return logged;
}

}  // namespace

std::unique_lock<std::mutex> Recorder::LockActs() { return std::unique_lock(state_->acts_mutex); }

Result<std::vector<LoggedPolicy>> Recorder::RecordPolicies(std::span<NewPolicy> policies) {
  const auto readers = state_->epochs.LockReaders();
  const auto forget = [&](const NewPolicy& policy) {
    state_->epochs.Forget(state_->subjects.Get(*policy.subject)->number);
  };
  for (const NewPolicy& policy : policies) {
    // A new key's holder shall be able to read the entry that brings it.
    if (policy.first_key) forget(policy);
    if (policy.type == EventType::kAuditorRegistered) {
      state_->epochs.EndDayKey(state_->subjects.Get(*policy.subject)->number);
    }
  }
  TRY(auto logged, LogAndStore(*state_, policies));
  for (const NewPolicy& policy : policies) {
    if (policy.subject && policy.ends_epoch) forget(policy);
  }
  return logged;
}

Result<LoggedPolicy> Recorder::RecordClear(EntryKind kind, EventType type, ByteSpan clear) {
  auto submission = std::make_unique<tlog::Submission>();
  submission->may_use_reserve = true;
  const OtherBody body{.type = type,
                       .about_subject = false,
                       .row_digest = std::nullopt,
                       .sealed = std::nullopt,
                       .clear = clear};
  AddEntry(*submission, EncodeOther(kind, body), {});
  submission = state_->parts.log->SubmitAndWait(std::move(submission));
  if (!submission->status) return submission->status.error();
  Sealer sealer(*state_->parts.random);
  RequireReadBack(*state_->parts.log, *submission,
                  [&](std::size_t, const EntryView& read) { return OpenOther(sealer, {}, read); });
  FinishAnswers(*state_, submission->answers, [] {});
  return LoggedPolicy{submission->outcomes[0].index, submission->outcomes[0].leaf_hash};
}

// The question of a whole mandate names no patient, and stands in clear.
static Bytes MandateQuery(const Bytes& content) {
  return EncodeOther(EntryKind::kQuery, {.type = EventType::kMandateQueried,
                                         .about_subject = true,
                                         .row_digest = std::nullopt,
                                         .sealed = std::nullopt,
                                         .clear = content});
}

Result<Recorder::LoggedQuery> Recorder::RecordQuery(const Query& query) {
  const Timestamp now = state_->parts.clock->Now();
  const bool is_own = query.subject == query.asker;
  {
    std::lock_guard lock(state_->queries_mutex);
    std::erase_if(state_->recent_queries,
                  [now](const auto& q) { return q.second.at + kQueryRepeat < now; });
    const auto recent = state_->recent_queries.find({query.subject, query.asker});
    if (is_own && recent != state_->recent_queries.end()) return recent->second.query;
  }
  const auto subject = state_->subjects.Get(query.subject);
  Sealer sealer(*state_->parts.random);
  for (int round = 0; round < kMaxRounds; ++round) {
    const Bytes content = QueryContent(query, now);
    auto submission = std::make_unique<tlog::Submission>();
    submission->may_use_reserve = true;
    tlog::NewEntry added;
    added.subject = subject->number;
    SealedContent sealed;
    Bytes entry;
    if (query.subject.kind == SubjectKind::kMandate) {
      entry = MandateQuery(content);
    } else {
      TRY(const auto epoch, state_->epochs.Get(subject, DayOf(now)));
      sealed = {epoch, subject, EncodePadded(content)};
      submission->grants.push_back(epoch->grant);
      added.grant = epoch->grant.get();
      Bytes ciphertext;
      entry = EncodeOther(
          EntryKind::kQuery,
          {.type = EventType::kHistoryQueried,
           .about_subject = true,
           .row_digest = std::nullopt,
           .sealed = sealer.SealBody(epoch->key, subject->sealing_aad, sealed.padded, ciphertext),
           .clear = {}});
    }
    AddEntry(*submission, std::move(entry), std::move(added));
    submission = state_->parts.log->SubmitAndWait(std::move(submission));
    if (!submission->status) return submission->status.error();
    RequireReadBack(*state_->parts.log, *submission, [&](std::size_t, const EntryView& read) {
      return OpenOther(sealer, sealed, read);
    });
    const tlog::Outcome outcome = submission->outcomes[0];
    const auto answers = submission->answers;
    const bool is_logged = outcome.kind == tlog::OutcomeKind::kLogged;
    if (is_logged) {
      answers->hashes[outcome.answer] =
          HashReceiptLeaf({"query", "", outcome.index, outcome.leaf_hash, subject->tag.tag});
    }
    std::promise<void> receipted;
    FinishAnswers(*state_, answers, [&receipted] { receipted.set_value(); });
    receipted.get_future().wait();
    if (!is_logged) {
      state_->epochs.Forget(subject->number);
      continue;
    }
    TRY(const std::string note, answers->receipt_note);
    LoggedQuery logged{outcome.index, outcome.leaf_hash,
                       MakeReceipt(note, answers->tree, outcome.answer, 1)};
    std::lock_guard lock(state_->queries_mutex);
    state_->recent_queries[{query.subject, query.asker}] = {now, logged};
    return logged;
  }
  return Unavailable("the readers of a patient keep changing: ask again");
}

Result<void> Recorder::TakeIntoCustody(std::span<const Subject> patients) {
  std::vector<std::shared_ptr<const KnownSubject>> known;
  for (const Subject& patient : patients) {
    known.push_back(state_->subjects.Get(patient));
    const bool is_missing =
        state_->HasChain(*known.back()) && !state_->parts.directory->FindPatient(patient);
    if (is_missing) return BrokenRegistration();
  }
  return state_->RegisterUnknown(known);
}

bool Recorder::State::HasChain(const KnownSubject& subject) const {
  const tlog::SubjectState& chain = parts.log->subjects().at(subject.number);
  return chain.is_introduced || chain.last_policy != 0;
}

Result<void> Recorder::State::RegisterUnknown(
    std::span<const std::shared_ptr<const KnownSubject>> patients) {
  const std::vector<CustodianRow> custodians = parts.directory->custodians();
  std::vector<NewPolicy> policies;
  for (const auto& patient : patients) {
    const Subject& subject = patient->subject;
    // Somebody was faster; or its row is gone, and the key that it had is not replaced for that.
    if (HasChain(*patient) || parts.directory->FindPatient(subject)) continue;
    TRY(Custody custody,
        MakeCustody(subject, custodians, std::min(kCustodyThreshold, custodians.size()),
                    *parts.random));
    for (CustodyShareRow& share : custody.shares) {
      policies.push_back({.type = EventType::kCustodyShare,
                          .subject = subject,
                          .content = ShareContent(share),
                          .row = std::move(share),
                          .is_sealed = false,
                          .ends_epoch = false,
                          .first_key = std::nullopt});
    }
    PatientRow row;
    row.subject = subject;
    row.custody_key = custody.public_key;
    policies.push_back({.type = EventType::kPatientRegistered,
                        .subject = subject,
                        .content = EncodeRow(row),
                        .row = row,
                        .is_sealed = true,
                        .ends_epoch = true,
                        .first_key = custody.public_key});
  }
  if (policies.empty()) return {};
  const auto readers = epochs.LockReaders();
  TRY_VOID(LogAndStore(*this, policies));
  return {};
}

}  // namespace salus::audit
