#include "audit/record_request.h"

#include <algorithm>

#include "audit/recorder_state.h"
#include "base/check.h"
#include "base/endian.h"
#include "base/log.h"
#include "merkle/hash.h"

namespace salus::audit {

using tlog::OutcomeKind;

namespace {

// Growing a vector leaves its old bytes behind in freed memory: these are wiped.
void ReserveWiped(Bytes& bytes, std::size_t more) {
  if (bytes.capacity() - bytes.size() >= more) return;
  Bytes larger;
  larger.reserve(bytes.capacity() * 2 + more + 192 * 1024);
  larger.assign(bytes.begin(), bytes.end());
  WipeMemory(bytes.data(), bytes.size());
  bytes.swap(larger);
}

}  // namespace

RecordRequest::RecordRequest(Recorder::State& state, SourceRow source, RecordOptions options,
                             Recorder::Done done)
    : state_(state),
      source_(std::move(source)),
      options_(options),
      done_(std::move(done)),
      now_(state.parts.clock->Now()) {}

RecordRequest::~RecordRequest() { WipeMemory(plaintexts_.data(), plaintexts_.capacity()); }

void RecordRequest::Refuse(std::size_t line, Error error) {
  batch_.lines.push_back({.line = line, .outcome = std::move(error)});
  state_.refused.Add();
}

void RecordRequest::Add(std::size_t line, const Event& event) {
  Event sent = event;
  sent.source = source_.id;
  Pending pending;
  pending.place = batch_.lines.size();
  pending.offset = plaintexts_.size();
  ReserveWiped(plaintexts_, 64 * 1024);
  const EncodedEvent encoded = EncodeEvent(sent, plaintexts_);
  pending.size = plaintexts_.size() - pending.offset;
  // As SubjectOf, without a copy of the text.
  pending.subject = sent.patient.empty()
                        ? state_.subjects.Get(Subject::System())
                        : state_.subjects.Get(SubjectKind::kPatient, sent.system, sent.patient);
  pending.event_id = sent.id.ToString();

  const crypto::HmacSha256Key& index_key = state_.parts.signer->index_key();
  std::uint8_t sizes[4];
  StoreBe(sizes, static_cast<std::uint16_t>(source_.id.size()));
  StoreBe(sizes + 2, static_cast<std::uint16_t>(pending.event_id.size()));
  const crypto::Hash32 identity = index_key.Mac(
      {sizes, AsBytes(source_.id), AsBytes(pending.event_id), pending.subject->tag.tag.span()});
  const crypto::Hash32 content =
      index_key.Mac(ByteSpan(plaintexts_).subspan(pending.offset, encoded.content_size));
  std::copy_n(identity.begin(), pending.repeat.identity.size(), pending.repeat.identity.begin());
  std::copy_n(content.begin(), pending.repeat.content.size(), pending.repeat.content.begin());
  batch_.lines.push_back({.line = line, .outcome = tlog::Outcome{}});
  pending_.push_back(std::move(pending));
}

Result<void> RecordRequest::RegisterPatients() {
  std::vector<std::shared_ptr<const KnownSubject>> unknown;
  for (const Pending& pending : pending_) {
    const std::uint32_t number = pending.subject->number.value;
    const auto place = static_cast<std::uint32_t>(batch_.patients.size());
    if (!patient_places_.try_emplace(number, place).second) continue;
    batch_.patients.push_back({pending.subject->subject, pending.subject->tag});
    // A subject with entries was registered before its first one.
    const bool is_new = !state_.parts.log->subjects().at(pending.subject->number).is_introduced;
    if (is_new && !state_.parts.directory->FindPatient(pending.subject->subject)) {
      unknown.push_back(pending.subject);
    }
  }
  return unknown.empty() ? Result<void>() : state_.RegisterUnknown(unknown);
}

// A crash between a patient's registration entry and its row leaves a subject that has entries but
// no key; it is taken into custody like one that was never seen.
Result<void> RecordRequest::RegisterInterrupted() {
  std::vector<std::shared_ptr<const KnownSubject>> unknown;
  std::unordered_map<std::uint32_t, bool> seen;
  for (const Pending& pending : pending_) {
    if (!seen.try_emplace(pending.subject->number.value, true).second) continue;
    if (!state_.parts.directory->FindPatient(pending.subject->subject)) {
      unknown.push_back(pending.subject);
    }
  }
  return unknown.empty() ? Result<void>() : state_.RegisterUnknown(unknown);
}

Result<void> RecordRequest::SealAll() {
  TRY_VOID(RegisterPatients());
  std::vector<std::size_t> all(pending_.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  Result<void> sealed = Seal(all);
  if (sealed || sealed.error().code != ErrorCode::kFailedPrecondition) return sealed;
  TRY_VOID(RegisterInterrupted());
  return Seal(all);
}

Result<void> RecordRequest::Seal(std::span<const std::size_t> which) {
  submission_ = std::make_unique<tlog::Submission>();
  submission_->may_use_reserve = options_.may_use_reserve;
  submission_->arena.reserve(plaintexts_.size() + which.size() * 64);
  submission_->entries.resize(which.size());
  sealed_.assign(which.begin(), which.end());
  keys_.clear();
  keys_.reserve(which.size());
  const Day today = DayOf(now_);
  Sealer sealer(*state_.parts.random);
  for (std::size_t i = 0; i < which.size(); ++i) {
    Pending& pending = pending_[which[i]];
    TRY(pending.epoch, state_.epochs.Get(pending.subject, today));
    pending.epoch->entries.fetch_add(1, std::memory_order_relaxed);
    tlog::NewEntry& entry = submission_->entries[i];
    entry.offset = submission_->arena.size();
    keys_.push_back(sealer.SealEvent(pending.epoch->key, pending.subject->sealing_aad,
                                     ByteSpan(plaintexts_).subspan(pending.offset, pending.size),
                                     submission_->arena));
    entry.size = submission_->arena.size() - entry.offset;
    entry.subject = pending.subject->number;
    entry.source = source_.number;
    entry.grant = pending.epoch->grant;
    entry.repeat = pending.repeat;
    if (entry.size > tlog::kMaxEntryBytes) {
      return InvalidArgument("an event is longer than an entry can be");
    }
  }
  std::vector<ByteSpan> views(which.size());
  std::vector<merkle::LeafHash> hashes(which.size());
  for (std::size_t i = 0; i < views.size(); ++i) views[i] = submission_->entry(i);
  merkle::HashLeaves(views, hashes);
  for (std::size_t i = 0; i < views.size(); ++i) submission_->entries[i].leaf_hash = hashes[i];
  return {};
}

void RecordRequest::Start() {
  const bool has_refused = pending_.size() < batch_.lines.size();
  if (pending_.empty() || (options_.is_atomic && has_refused)) {
    if (options_.is_atomic) {
      for (const Pending& pending : pending_) {
        batch_.lines[pending.place].outcome =
            FailedPrecondition("another line of this atomic request was refused");
      }
    }
    return Finish();
  }
  if (state_.parts.log->is_full() && !options_.may_use_reserve) {
    // Asked before unknown patients are registered: their entries would eat the queries' reserve.
    return Fail(
        ResourceExhausted("the disk is full: nothing was logged; free space and send again"));
  }
  if (Result<void> ok = SealAll(); !ok) return Fail(std::move(ok.error()));
  Submit();
}

void RecordRequest::Submit() {
  submission_->done = [self = shared_from_this()](std::unique_ptr<tlog::Submission> done) {
    auto shared = std::make_shared<std::unique_ptr<tlog::Submission>>(std::move(done));
    self->state_.workers.Post([self, shared] { self->AfterCommit(std::move(*shared)); });
  };
  state_.parts.log->Submit(std::move(submission_));
}

// Every entry of the commit is read from the file and opened once, while a wrong byte can still be
// noticed before anybody relies on it (protocol.md P2.4).
Result<void> RecordRequest::ReadBack(const tlog::Submission& submission) {
  std::vector<std::uint64_t> indexes;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < submission.outcomes.size(); ++i) {
    if (submission.outcomes[i].kind != OutcomeKind::kLogged) continue;
    indexes.push_back(submission.outcomes[i].index.value);
    places.push_back(i);
  }
  Sealer sealer(*state_.parts.random);
  Bytes plaintext;
  std::size_t at = 0;
  return state_.parts.log->ReadEntries(
      indexes, [&](const storage::RecordView& record) -> Result<void> {
        const std::size_t i = places[at++];
        TRY(const EntryView view, ParseEntry(record.payload));
        if (!view.sealed) return Corruption("an entry reads back as another kind");
        plaintext.resize(view.sealed->ciphertext.size() - crypto::kGcmTagSize);
        TRY_VOID(sealer.OpenInto(keys_[i], pending_[sealed_[i]].subject->sealing_aad, *view.sealed,
                                 plaintext));
        const ByteSpan sent =
            ByteSpan(plaintexts_).subspan(pending_[sealed_[i]].offset, pending_[sealed_[i]].size);
        const bool same = Equal(plaintext, sent);
        WipeMemory(plaintext.data(), plaintext.size());
        return same ? Result<void>() : Corruption("an entry opens to another event");
      });
}

void RecordRequest::AfterCommit(std::unique_ptr<tlog::Submission> submission) {
  if (!submission->status) return Fail(std::move(submission->status.error()));
  if (Result<void> ok = ReadBack(*submission); !ok) {
    Log(LogLevel::kError, "a commit does not read back as it was written: stopping",
        {{"reason", CodeName(ok.error().code)}});
    CHECK(false);
  }
  Answer(std::move(submission));
}

void RecordRequest::AnswerLine(const tlog::Submission& submission, std::size_t i) {
  const tlog::Outcome& outcome = submission.outcomes[i];
  const Pending& pending = pending_[sealed_[i]];
  RecordedLine& line = batch_.lines[pending.place];
  if (outcome.kind == OutcomeKind::kConflict) {
    line.outcome =
        Conflict("an event with this id was logged with other content: ids are never used twice");
    state_.refused.Add();
    return;
  }
  line.outcome = outcome;
  line.patient = patient_places_.at(pending.subject->number.value);
  receipt_lines_.push_back(static_cast<std::uint32_t>(pending.place));
  if (outcome.kind != OutcomeKind::kLogged) return;
  line.key = std::move(keys_[i]);
  line.has_key = true;
  line.entry_offset = batch_.entries.size();
  line.entry_size = submission.entries[i].size;
  Append(batch_.entries, submission.entry(i));
}

void RecordRequest::FillReceiptLeaves(const tlog::Submission& submission) {
  for (std::size_t i = 0; i < submission.outcomes.size(); ++i) {
    const tlog::Outcome& outcome = submission.outcomes[i];
    if (outcome.kind != OutcomeKind::kLogged && outcome.kind != OutcomeKind::kRepeat) continue;
    const Pending& pending = pending_[sealed_[i]];
    submission.answers->hashes[outcome.answer] = HashReceiptLeaf(
        {source_.id, pending.event_id, outcome.index, outcome.leaf_hash, pending.subject->tag.tag});
  }
}

void RecordRequest::Answer(std::unique_ptr<tlog::Submission> submission) {
  receipt_lines_.clear();
  stale_.clear();
  std::uint64_t logged = 0;
  for (std::size_t i = 0; i < submission->outcomes.size(); ++i) {
    const tlog::Outcome& outcome = submission->outcomes[i];
    if (outcome.kind == OutcomeKind::kStaleGrant) {
      stale_.push_back(sealed_[i]);
      continue;
    }
    const bool is_first = receipt_lines_.empty();
    AnswerLine(*submission, i);
    if (outcome.kind == OutcomeKind::kLogged) ++logged;
    if (is_first && !receipt_lines_.empty()) first_answer_ = outcome.answer;
  }
  state_.logged.Add(logged);
  FillReceiptLeaves(*submission);
  const std::shared_ptr<tlog::CommitAnswers> answers = submission->answers;
  FinishAnswers(state_, answers,
                [self = shared_from_this(), answers] { self->Receipted(answers); });
}

void RecordRequest::Receipted(const std::shared_ptr<tlog::CommitAnswers>& answers) {
  if (!receipt_lines_.empty()) {
    if (!answers->receipt_note) return Fail(answers->receipt_note.error());
    batch_.receipts.push_back(
        {MakeReceipt(*answers->receipt_note, answers->tree, first_answer_, receipt_lines_.size()),
         receipt_lines_});
  }
  if (stale_.empty()) return Finish();
  if (++rounds_ == kMaxRounds) {
    return Fail(Unavailable("the readers of a patient keep changing: send again"));
  }
  for (const std::size_t i : stale_) state_.epochs.Forget(pending_[i].subject->number);
  const std::vector<std::size_t> again = stale_;
  if (Result<void> ok = Seal(again); !ok) return Fail(std::move(ok.error()));
  Submit();
}

void RecordRequest::Fail(Error error) {
  Recorder::Done done = std::move(done_);
  done(std::move(error));
}

void RecordRequest::Finish() {
  for (Pending& pending : pending_) {
    batch_.lines[pending.place].event_id = std::move(pending.event_id);
  }
  Recorder::Done done = std::move(done_);
  done(std::move(batch_));
}

}  // namespace salus::audit
