// Recorder's other entries: policies, queries, unknown patients, and the receipts of every commit.

#include <algorithm>
#include <chrono>
#include <future>

#include "audit/custody.h"
#include "audit/padding.h"
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

Bytes ShareContent(const CustodyShareRow& share) {
  Bytes content;
  codec::CborWriter writer(content);
  writer.Map(4);
  writer.Uint(1);
  writer.Text(share.custodian_id);
  writer.Uint(2);
  writer.Uint(share.share_number);
  writer.Uint(3);
  writer.Uint(share.threshold);
  writer.Uint(4);
  writer.Text(share.sealed_share);
  return content;
}

Bytes QueryContent(const Recorder::Query& query, Timestamp now) {
  Bytes content;
  codec::CborWriter writer(content);
  writer.Map(6);
  writer.Uint(1);
  writer.Text(SubjectKindName(query.asker.kind));
  writer.Uint(2);
  writer.Text(query.asker.id);
  writer.Uint(3);
  writer.Text(query.purpose);
  writer.Uint(4);
  writer.Int(ToUnixMillis(query.from));
  writer.Uint(5);
  writer.Int(ToUnixMillis(query.to));
  writer.Uint(6);
  writer.Int(ToUnixMillis(now));
  return content;
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

// Seals and submits until no grant is stale. The caller holds LockReaders.
static Result<std::unique_ptr<tlog::Submission>> SubmitPolicies(
    Recorder::State& state, std::span<const NewPolicy> policies) {
  const Day today = DayOf(state.parts.clock->Now());
  Sealer sealer(*state.parts.random);
  for (int round = 0; round < kMaxRounds; ++round) {
    auto submission = std::make_unique<tlog::Submission>();
    submission->may_use_reserve = true;
    for (const NewPolicy& policy : policies) {
      // Readers tell policy entries by their type.
      CHECK(policy.ends_epoch == EndsEpoch(policy.type));
      const auto subject = state.subjects.Get(policy.subject);
      OtherBody body{.type = policy.type,
                     .about_subject = true,
                     .row_digest = policy.row_digest,
                     .sealed = std::nullopt,
                     .clear = policy.content};
      tlog::NewEntry added;
      added.subject = subject->number;
      added.is_policy = policy.ends_epoch;
      Bytes ciphertext;
      if (policy.is_sealed) {
        TRY(const auto epoch, state.epochs.GetLocked(subject, today, policy.first_key));
        body.sealed = sealer.SealBody(epoch->key, subject->sealing_aad,
                                      EncodePadded(policy.content), ciphertext);
        submission->grants.push_back(epoch->grant);
        added.grant = epoch->grant.get();
      }
      AddEntry(*submission, EncodeOther(EntryKind::kPolicy, body), std::move(added));
    }
    submission = state.parts.log->SubmitAndWait(std::move(submission));
    if (!submission->status) return submission->status.error();
    FinishAnswers(state, submission->answers, [] {});
    const bool is_stale = std::any_of(
        submission->outcomes.begin(), submission->outcomes.end(),
        [](const tlog::Outcome& o) { return o.kind == tlog::OutcomeKind::kStaleGrant; });
    if (!is_stale) return submission;
    for (const NewPolicy& policy : policies) {
      state.epochs.Forget(state.subjects.Get(policy.subject)->number);
    }
  }
  return Unavailable("the readers of a subject keep changing: try again");
}

Result<std::vector<LoggedPolicy>> Recorder::RecordPolicies(std::span<const NewPolicy> policies,
                                                           const Apply& apply) {
  const auto readers = state_->epochs.LockReaders();
  for (const NewPolicy& policy : policies) {
    // A new key's holder shall be able to read the entry that brings it.
    if (policy.first_key) state_->epochs.Forget(state_->subjects.Get(policy.subject)->number);
  }
  std::vector<LoggedPolicy> logged;
  for (std::size_t at = 0; at < policies.size(); at += kPoliciesPerCommit) {
    const auto part = policies.subspan(at, std::min(kPoliciesPerCommit, policies.size() - at));
    TRY(const auto submission, SubmitPolicies(*state_, part));
    for (const tlog::Outcome& outcome : submission->outcomes) {
      logged.push_back({outcome.index, outcome.leaf_hash});
    }
  }
  TRY_VOID(apply(logged));
  for (const NewPolicy& policy : policies) {
    if (policy.ends_epoch) {
      state_->epochs.Forget(state_->subjects.Get(policy.subject)->number);
    }
  }
  return logged;
}

Result<LoggedPolicy> Recorder::RecordClear(EntryKind kind, EventType type, ByteSpan clear,
                                           const std::optional<crypto::Hash32>& row_digest) {
  auto submission = std::make_unique<tlog::Submission>();
  submission->may_use_reserve = true;
  const OtherBody body{.type = type,
                       .about_subject = false,
                       .row_digest = row_digest,
                       .sealed = std::nullopt,
                       .clear = clear};
  AddEntry(*submission, EncodeOther(kind, body), {});
  submission = state_->parts.log->SubmitAndWait(std::move(submission));
  if (!submission->status) return submission->status.error();
  FinishAnswers(*state_, submission->answers, [] {});
  return LoggedPolicy{submission->outcomes[0].index, submission->outcomes[0].leaf_hash};
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
    TRY(const auto epoch, state_->epochs.Get(subject, DayOf(now)));
    Bytes ciphertext;
    const OtherBody body{
        .type = EventType::kHistoryQueried,
        .about_subject = true,
        .row_digest = std::nullopt,
        .sealed = sealer.SealBody(epoch->key, subject->sealing_aad,
                                  EncodePadded(QueryContent(query, now)), ciphertext),
        .clear = {}};
    auto submission = std::make_unique<tlog::Submission>();
    submission->may_use_reserve = true;
    tlog::NewEntry added;
    added.subject = subject->number;
    submission->grants.push_back(epoch->grant);
    added.grant = epoch->grant.get();
    AddEntry(*submission, EncodeOther(EntryKind::kQuery, body), std::move(added));
    submission = state_->parts.log->SubmitAndWait(std::move(submission));
    if (!submission->status) return submission->status.error();
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
  for (const Subject& patient : patients) known.push_back(state_->subjects.Get(patient));
  return state_->RegisterUnknown(known);
}

Result<void> Recorder::State::RegisterUnknown(
    std::span<const std::shared_ptr<const KnownSubject>> patients) {
  std::lock_guard one_at_a_time(registration_mutex);
  const std::vector<CustodianRow> custodians = parts.directory->custodians();
  std::vector<NewPolicy> policies;
  std::vector<PatientRow> rows;
  std::vector<CustodyShareRow> shares;
  for (const auto& patient : patients) {
    if (parts.directory->FindPatient(patient->subject)) continue;  // somebody was faster
    TRY(Custody custody,
        MakeCustody(patient->subject, custodians, std::min(kCustodyThreshold, custodians.size()),
                    *parts.random));
    PatientRow row;
    row.subject = patient->subject;
    row.custody_key = custody.public_key;
    parts.random->Fill(row.origin.salt);
    for (CustodyShareRow& share : custody.shares) {
      policies.push_back({.type = EventType::kCustodyShare,
                          .subject = patient->subject,
                          .row_digest = std::nullopt,
                          .content = ShareContent(share),
                          .is_sealed = false,
                          .ends_epoch = false,
                          .first_key = std::nullopt});
      shares.push_back(std::move(share));
    }
    policies.push_back({.type = EventType::kPatientRegistered,
                        .subject = patient->subject,
                        .row_digest = RowDigest(row.origin.salt, EncodeRow(row)),
                        .content = EncodeRow(row),
                        .is_sealed = true,
                        .ends_epoch = true,
                        .first_key = custody.public_key});
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return {};
  const auto readers = epochs.LockReaders();
  TRY(const auto submission, SubmitPolicies(*this, policies));
  std::size_t row = 0;
  std::size_t share = 0;
  for (std::size_t i = 0; i < policies.size(); ++i) {
    const std::uint64_t index = submission->outcomes[i].index.value;
    if (policies[i].type == EventType::kCustodyShare) {
      shares[share++].share_entry = index;
    } else {
      rows[row++].origin.entry_index = index;
    }
  }
  TRY_VOID(parts.directory->PutMany(rows));
  for (const CustodyShareRow& added : shares) TRY_VOID(parts.directory->Put(added));
  return {};
}

}  // namespace salus::audit
