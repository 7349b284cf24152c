#include "audit/record_request.h"

#include <algorithm>

#include "audit/padding.h"
#include "audit/recorder_state.h"
#include "base/check.h"
#include "base/endian.h"
#include "base/log.h"
#include "merkle/hash.h"

namespace salus::audit {

using tlog::OutcomeKind;

namespace {

constexpr std::size_t kMaxPlaintextBytes = 64 * 1024;

// Growing a vector leaves its old bytes behind in freed memory: these are wiped.
void ReserveWiped(Bytes& bytes, std::size_t more) {
  if (bytes.capacity() - bytes.size() >= more) return;
  Bytes larger;
  larger.reserve(bytes.capacity() * 2 + more);
  larger.assign(bytes.begin(), bytes.end());
  WipeMemory(bytes.data(), bytes.size());
  bytes.swap(larger);
}

}  // namespace

RecordRequest::RecordRequest(Recorder::State& state, SourceRow source, RecordOptions options,
                             std::size_t lines, Recorder::Done done)
    : state_(state),
      source_(std::move(source)),
      options_(options),
      done_(std::move(done)),
      now_(state.parts.clock->Now()),
      patients_(state.subjects) {
  batch_.lines.reserve(lines);
  pending_.reserve(lines);
  plaintexts_.reserve(lines * kPaddingBlock + kMaxPlaintextBytes);
  batch_.ids.reserve(lines * codec::Uuid::kTextSize);
}

RecordRequest::~RecordRequest() { WipeMemory(plaintexts_.data(), plaintexts_.size()); }

void RecordRequest::Refuse(std::size_t line, Error error) {
  batch_.lines.push_back({.line = line, .outcome = std::move(error)});
  state_.refused.Add();
}

void RecordRequest::AppendId(const EventId& id) {
  std::array<char, codec::Uuid::kTextSize> text;
  if (id.uuid) id.uuid->WriteTo(text);
  const std::string_view sent = id.uuid ? std::string_view(text.data(), text.size()) : id.text;
  batch_.ids.insert(batch_.ids.end(), sent.begin(), sent.end());
}

void RecordRequest::Add(std::size_t line, Event event) {
  event.source = source_.id;
  Pending pending;
  pending.place = batch_.lines.size();
  pending.offset = plaintexts_.size();
  ReserveWiped(plaintexts_, kMaxPlaintextBytes);
  pending.content_size = EncodeEvent(event, plaintexts_).content_size;
  pending.size = plaintexts_.size() - pending.offset;
  // As SubjectOf, without a copy of the text.
  pending.patient = event.patient.empty()
                        ? patients_.PlaceOf(SubjectKind::kSystem, {}, Subject::System().id)
                        : patients_.PlaceOf(SubjectKind::kPatient, event.system, event.patient);
  pending.id_offset = static_cast<std::uint32_t>(batch_.ids.size());
  AppendId(event.id);
  pending.id_size = static_cast<std::uint32_t>(batch_.ids.size()) - pending.id_offset;
  batch_.lines.push_back({.line = line, .outcome = tlog::Outcome{}});
  pending_.push_back(pending);
}

// Two HMACs an event, all of them side by side: of who sent which id about whom, and of what.
void RecordRequest::MakeRepeatKeys() {
  Bytes identities;
  identities.reserve(pending_.size() * (4 + source_.id.size() + SubjectTag::kSize) +
                     batch_.ids.size());
  std::vector<ByteSpan> messages(2 * pending_.size());
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    const Pending& pending = pending_[i];
    const std::size_t begin = identities.size();
    AppendBe(identities, static_cast<std::uint16_t>(source_.id.size()));
    AppendBe(identities, static_cast<std::uint16_t>(pending.id_size));
    Append(identities, AsBytes(source_.id));
    Append(identities, AsBytes(IdOf(pending)));
    Append(identities, patients_[pending.patient].subject->tag.tag.span());
    messages[2 * i] = ByteSpan(identities).subspan(begin);
    messages[2 * i + 1] = PlaintextOf(pending).first(pending.content_size);
  }
  const std::vector<const crypto::HmacSha256Key*> keys(messages.size(),
                                                       &state_.parts.signer->index_key());
  std::vector<crypto::Hash32> macs(messages.size());
  crypto::HmacSha256Many(keys, messages, macs);
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    tlog::RepeatKey& repeat = pending_[i].repeat;
    std::copy_n(macs[2 * i].begin(), repeat.identity.size(), repeat.identity.begin());
    std::copy_n(macs[2 * i + 1].begin(), repeat.content.size(), repeat.content.begin());
  }
}

Result<void> RecordRequest::RegisterPatients() {
  std::vector<std::shared_ptr<const KnownSubject>> unknown;
  for (const RequestPatients::Patient& patient : patients_) {
    const KnownSubject& known = *patient.subject;
    batch_.patients.push_back({known.subject, known.tag});
    // A subject with entries was registered before its first one.
    const bool is_new = !state_.parts.log->subjects().at(known.number).is_introduced;
    if (is_new && !state_.parts.directory->FindPatient(known.subject)) {
      unknown.push_back(patient.subject);
    }
  }
  return unknown.empty() ? Result<void>() : state_.RegisterUnknown(unknown);
}

// A crash between a patient's registration entry and its row leaves a subject that has entries but
// no key; it is taken into custody like one that was never seen.
Result<void> RecordRequest::RegisterInterrupted() {
  std::vector<std::shared_ptr<const KnownSubject>> unknown;
  for (const RequestPatients::Patient& patient : patients_) {
    if (!state_.parts.directory->FindPatient(patient.subject->subject)) {
      unknown.push_back(patient.subject);
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

// Each patient's epoch is asked for once a round, and told of all entries at once.
Result<void> RecordRequest::FindEpochs(std::span<const std::size_t> which) {
  for (RequestPatients::Patient& patient : patients_) {
    patient.epoch = nullptr;
    patient.epoch_entries = 0;
  }
  for (const std::size_t i : which) ++patients_[pending_[i].patient].epoch_entries;
  const Day today = DayOf(now_);
  for (RequestPatients::Patient& patient : patients_) {
    if (patient.epoch_entries == 0) continue;
    TRY(patient.epoch, state_.epochs.Get(patient.subject, today));
    patient.epoch->entries.fetch_add(patient.epoch_entries, std::memory_order_relaxed);
    submission_->grants.push_back(patient.epoch->grant);
  }
  return {};
}

Result<void> RecordRequest::Seal(std::span<const std::size_t> which) {
  submission_ = std::make_unique<tlog::Submission>();
  submission_->may_use_reserve = options_.may_use_reserve;
  submission_->entries.resize(which.size());
  sealed_.assign(which.begin(), which.end());
  keys_.clear();
  keys_.reserve(which.size());
  TRY_VOID(FindEpochs(which));
  std::vector<Sealer::ToSeal> to_seal(which.size());
  std::size_t arena_size = 0;
  for (std::size_t i = 0; i < which.size(); ++i) {
    const Pending& pending = pending_[which[i]];
    const RequestPatients::Patient& patient = patients_[pending.patient];
    to_seal[i] = {&patient.epoch->key, patient.subject->sealing_aad, PlaintextOf(pending)};
    tlog::NewEntry& entry = submission_->entries[i];
    entry.offset = arena_size;
    entry.size = SealedEntrySize(pending.size);
    entry.subject = patient.subject->number;
    entry.source = source_.number;
    entry.grant = patient.epoch->grant.get();
    entry.repeat = pending.repeat;
    if (entry.size > tlog::kMaxEntryBytes) {
      return InvalidArgument("an event is longer than an entry can be");
    }
    arena_size += entry.size;
  }
  submission_->arena.reserve(arena_size);
  Sealer(*state_.parts.random).SealEvents(to_seal, submission_->arena, keys_);
  CHECK(submission_->arena.size() == arena_size);
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
  MakeRepeatKeys();
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
        const Pending& pending = pending_[sealed_[i]];
        plaintext.resize(view.sealed->ciphertext.size() - crypto::kGcmTagSize);
        TRY_VOID(sealer.OpenInto(keys_[i], patients_[pending.patient].subject->sealing_aad,
                                 *view.sealed, plaintext));
        const bool same = Equal(plaintext, PlaintextOf(pending));
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

void RecordRequest::AnswerLine(const tlog::Submission& submission, std::size_t i,
                               std::size_t arena_offset) {
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
  line.patient = pending.patient;
  receipt_lines_.push_back(static_cast<std::uint32_t>(pending.place));
  if (outcome.kind != OutcomeKind::kLogged) return;
  line.key = std::move(keys_[i]);
  line.has_key = true;
  line.entry_offset = arena_offset + submission.entries[i].offset;
  line.entry_size = submission.entries[i].size;
}

void RecordRequest::FillReceiptLeaves(const tlog::Submission& submission) {
  std::vector<ReceiptLeaf> leaves;
  leaves.reserve(submission.outcomes.size());
  for (std::size_t i = 0; i < submission.outcomes.size(); ++i) {
    const tlog::Outcome& outcome = submission.outcomes[i];
    if (outcome.kind != OutcomeKind::kLogged && outcome.kind != OutcomeKind::kRepeat) continue;
    // The sequencer numbers the answers of a submission one after the other.
    CHECK(outcome.answer == first_answer_ + leaves.size());
    const Pending& pending = pending_[sealed_[i]];
    leaves.push_back({source_.id, IdOf(pending), outcome.index, outcome.leaf_hash,
                      patients_[pending.patient].subject->tag.tag});
  }
  if (leaves.empty()) return;
  HashReceiptLeaves(leaves,
                    std::span(submission.answers->hashes).subspan(first_answer_, leaves.size()));
}

void RecordRequest::Answer(std::unique_ptr<tlog::Submission> submission) {
  receipt_lines_.clear();
  stale_.clear();
  std::uint64_t logged = 0;
  const std::size_t arena_offset = batch_.entries.size();
  for (std::size_t i = 0; i < submission->outcomes.size(); ++i) {
    const tlog::Outcome& outcome = submission->outcomes[i];
    if (outcome.kind == OutcomeKind::kStaleGrant) {
      stale_.push_back(sealed_[i]);
      continue;
    }
    const bool is_first = receipt_lines_.empty();
    AnswerLine(*submission, i, arena_offset);
    if (outcome.kind == OutcomeKind::kLogged) ++logged;
    if (is_first && !receipt_lines_.empty()) first_answer_ = outcome.answer;
  }
  state_.logged.Add(logged);
  FillReceiptLeaves(*submission);
  // The entries are handed on as they stand; only a request of two commits copies.
  if (batch_.entries.empty()) {
    batch_.entries = std::move(submission->arena);
  } else {
    Append(batch_.entries, submission->arena);
  }
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
  for (const std::size_t i : stale_) {
    state_.epochs.Forget(patients_[pending_[i].patient].subject->number);
  }
  const std::vector<std::size_t> again = stale_;
  if (Result<void> ok = Seal(again); !ok) return Fail(std::move(ok.error()));
  Submit();
}

void RecordRequest::Fail(Error error) {
  Recorder::Done done = std::move(done_);
  done(std::move(error));
}

void RecordRequest::Finish() {
  for (const Pending& pending : pending_) batch_.lines[pending.place].event_id = IdOf(pending);
  Recorder::Done done = std::move(done_);
  done(std::move(batch_));
}

}  // namespace salus::audit
