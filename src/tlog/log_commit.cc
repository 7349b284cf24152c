// The sequencer's side of Log: plan a commit, make it durable, apply it, sign checkpoints.

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/endian.h"
#include "base/log.h"
#include "codec/base64.h"
#include "merkle/hash.h"
#include "tlog/entry_kind.h"
#include "tlog/log.h"
#include "tlog/log_metrics.h"

namespace salus::tlog {

namespace {

constexpr std::uint32_t kTerm = 1;
constexpr std::size_t kMaxCommitBytes = 24u << 20;
constexpr std::uint64_t kLoadedEntries = 64;
constexpr std::uint64_t kMapRootFrameBytes = 4096;
constexpr std::chrono::seconds kMaxClockDrift{30};

// A start replays at most this many entries; the more subjects, the dearer is a snapshot.
std::uint64_t SnapshotSpacing(std::uint64_t subjects) {
  return std::max<std::uint64_t>(1'000'000, 8 * subjects);
}

std::size_t BytesOf(const Submission& submission) {
  std::size_t size = 256;
  for (const NewEntry& entry : submission.entries) {
    size += entry.size + 128;
    if (entry.grant && entry.grant->index == 0) size += entry.grant->entry.size() + 128;
  }
  return size;
}

// What is logged is read back, and shown to whoever it is about, for ever: nothing is logged that
// their readers refuse.
bool Fits(const PendingGrant& grant) {
  return grant.index != 0 ||
         (grant.entry.size() <= kMaxEntryBytes &&
          std::ranges::all_of(grant.needs, [](const auto& needed) { return Fits(*needed); }));
}

Result<void> CheckSizes(const Submission& submission) {
  const bool fits =
      std::ranges::all_of(submission.entries,
                          [](const NewEntry& entry) { return entry.size <= kMaxEntryBytes; }) &&
      std::ranges::all_of(submission.grants, [](const auto& grant) { return Fits(*grant); });
  if (fits) return {};
  return InvalidArgument("too long: an entry of the log has at most 65,535 bytes");
}

}  // namespace

// Plan is one commit before it is durable: the records, and what must be taken back if it fails.
struct Log::Plan {
  std::uint64_t first = 0;
  std::vector<RecordMeta> metas;
  std::vector<LeafHash> leaves;
  std::vector<ByteSpan> payloads;
  RecentEntries repeats{0};  // of this commit: key to position
  std::uint32_t answers = 0;

  std::vector<PendingGrant*> grants;                              // whose index was set
  std::vector<SubjectNumber> introduced;                          // marked as introduced
  std::vector<std::pair<SubjectNumber, std::uint64_t>> policies;  // last_policy before

  std::uint64_t next_index() const { return first + metas.size(); }
  void Reserve(std::size_t entries) {
    metas.reserve(entries);
    leaves.reserve(entries);
    payloads.reserve(entries);
    repeats.ReserveRepeats(entries);
  }
};

std::chrono::milliseconds Log::Interval() const {
  const bool is_awaited = waiting_ > 0 && entries_since_checkpoint_ > 0;
  if (is_awaited || entries_since_checkpoint_ >= kLoadedEntries) return options_.interval_loaded;
  return entries_since_checkpoint_ > 0 ? options_.interval_quiet : options_.interval_idle;
}

bool Log::IsCheckpointDue() const {
  if (checkpoint_wanted_) return true;
  if (options_.manual_checkpoints || !is_clock_trusted_) return false;
  return std::chrono::steady_clock::now() >= last_checkpoint_at_ + Interval();
}

void Log::RunSequencer(std::stop_token stop) {
  for (;;) {
    std::vector<std::unique_ptr<Submission>> batch;
    bool checkpoint = false;
    bool was_asked = false;
    std::uint64_t asked = 0;
    {
      std::unique_lock lock(queue_mutex_);
      const auto due = last_checkpoint_at_ + Interval();
      const bool is_clock_trusted = is_clock_trusted_;
      // Who waits for a checkpoint, or confirms the clock, makes the next one due earlier than was
      // reckoned.
      const auto ready = [&] {
        return !queue_.empty() || IsCheckpointDue() || last_checkpoint_at_ + Interval() < due ||
               is_clock_trusted_ != is_clock_trusted;
      };
      if (options_.manual_checkpoints || !is_clock_trusted) {
        queue_changed_.wait(lock, stop, ready);
      } else {
        queue_changed_.wait_until(lock, stop, due, ready);
      }
      if (stop.stop_requested() && queue_.empty() && !checkpoint_wanted_) return;
      std::size_t bytes = 0;
      std::size_t n = 0;
      while (n < queue_.size() && (n == 0 || bytes < kMaxCommitBytes)) {
        bytes += BytesOf(*queue_[n++]);
      }
      const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(n);
      batch.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
      queue_.erase(queue_.begin(), end);
      checkpoint = IsCheckpointDue();
      // A checkpoint that was asked for covers everything submitted before.
      was_asked = checkpoint_wanted_ && queue_.empty();
      asked = checkpoints_asked_;
      if (was_asked) checkpoint_wanted_ = false;
    }
    if (!batch.empty()) CommitBatch(std::move(batch));
    if (!checkpoint) continue;
    const Result<void> status = AppendMapRoot();
    if (!status) {
      salus::Log(LogLevel::kError, "no checkpoint", {{"reason", CodeName(status.error().code)}});
    }
    {
      std::lock_guard lock(published_mutex_);
      makes_checkpoints_ = status.has_value();
    }
    published_changed_.notify_all();
    last_checkpoint_at_ = std::chrono::steady_clock::now();
    if (!was_asked) continue;
    std::lock_guard lock(queue_mutex_);
    checkpoint_status_ = status;
    checkpoints_made_ = asked;
    queue_changed_.notify_all();
  }
}

void Log::CommitBatch(std::vector<std::unique_ptr<Submission>> batch) {
  const auto start = std::chrono::steady_clock::now();
  Plan plan;
  plan.first = segments_->record_count();
  auto answers = std::make_shared<CommitAnswers>();
  answers->time = clock_.Now();
  std::size_t entries = 0;
  for (const auto& submission : batch) {
    entries += submission->entries.size() + submission->grants.size();
  }
  plan.Reserve(entries);
  for (auto& submission : batch) {
    submission->status = PlanSubmission(*submission, plan);
    submission->answers = answers;
  }
  Result<void> durable;
  if (!plan.metas.empty()) {
    std::vector<storage::SegmentLog::RecordInput> records(plan.metas.size());
    Bytes metas;
    metas.reserve(records.size() * 48);
    std::vector<std::size_t> ends;
    ends.reserve(records.size());
    for (const RecordMeta& meta : plan.metas) {
      meta.AppendTo(metas);
      ends.push_back(metas.size());
    }
    for (std::size_t i = 0; i < records.size(); ++i) {
      const std::size_t begin = i == 0 ? 0 : ends[i - 1];
      records[i] = {ByteSpan(metas).subspan(begin, ends[i] - begin), plan.payloads[i],
                    plan.leaves[i].bytes()};
    }
    durable =
        segments_->Append(records, static_cast<std::uint64_t>(ToUnixMillis(answers->time)), kTerm);
  }
  if (durable) {
    ApplyCommit(plan);
  } else {
    UndoPlan(plan);
  }
  answers->first_index = plan.first;
  answers->count = plan.metas.size();
  answers->hashes.resize(plan.answers);
  if (durable) {
    for (PendingGrant* grant : plan.grants) answers->grants.push_back(grant->shared_from_this());
  }
  std::uint32_t good = 0;
  for (auto& submission : batch) {
    if (submission->status && !durable) submission->status = durable;
    if (submission->status) ++good;
  }
  answers->submissions_left = good;
  for (auto& submission : batch) {
    Submission::Done done = std::move(submission->done);
    done(std::move(submission));
  }
  if (metrics_) {
    metrics_->commits.Add();
    metrics_->entries.Add(plan.metas.size());
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    metrics_->commit_seconds.Observe(took.count());
  }
}

Result<void> Log::FindDurableRepeats(Submission& submission) {
  std::vector<RepeatKey> keys;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < submission.entries.size(); ++i) {
    if (!submission.entries[i].repeat) continue;
    keys.push_back(*submission.entries[i].repeat);
    places.push_back(i);
  }
  std::vector<std::uint8_t> may_be(keys.size());
  index_->MayBeRepeats(keys, may_be);
  for (std::size_t k = 0; k < keys.size(); ++k) {
    if (!may_be[k]) continue;
    TRY(const std::optional<Outcome> found, FindRepeat(keys[k]));
    if (found) submission.outcomes[places[k]] = *found;
  }
  return {};
}

Result<void> Log::PlanSubmission(Submission& submission, Plan& plan) {
  if (is_full_ && !submission.may_use_reserve) {
    return ResourceExhausted("the disk is full: nothing was logged; free space and send again");
  }
  TRY_VOID(CheckSizes(submission));
  submission.outcomes.assign(submission.entries.size(), Outcome{});
  TRY_VOID(FindDurableRepeats(submission));
  for (std::size_t i = 0; i < submission.entries.size(); ++i) PlanEntry(submission, i, plan);
  return {};
}

void Log::PlanEntry(Submission& submission, std::size_t i, Plan& plan) {
  const NewEntry& entry = submission.entries[i];
  Outcome& outcome = submission.outcomes[i];
  const auto answer = [&](OutcomeKind kind) {
    outcome.kind = kind;
    if (kind == OutcomeKind::kRepeat || kind == OutcomeKind::kLogged) {
      outcome.answer = plan.answers++;
    }
  };
  if (outcome.kind != OutcomeKind::kLogged) {
    if (metrics_) metrics_->repeats.Add();
    return answer(outcome.kind);
  }
  if (entry.repeat) {
    std::vector<std::uint64_t> found;
    const std::uint64_t key = LoadBe<std::uint64_t>(entry.repeat->identity.data());
    plan.repeats.FindRepeat(key, found);
    for (const std::uint64_t position : found) {
      const RepeatKey& other = *plan.metas[position].repeat;
      if (other.identity != entry.repeat->identity) continue;
      outcome.index = LeafIndex{plan.first + position};
      outcome.leaf_hash = plan.leaves[position];
      return answer(other.content == entry.repeat->content ? OutcomeKind::kRepeat
                                                           : OutcomeKind::kConflict);
    }
  }
  RecordMeta meta;
  meta.subject = entry.subject;
  meta.is_policy = entry.is_policy;
  meta.source = entry.source;
  meta.repeat = entry.repeat;
  if (entry.grant) {
    if (!PlanGrant(*entry.grant, plan)) return answer(OutcomeKind::kStaleGrant);
    meta.grant = entry.grant->index;
    if (meta.grant < subjects_->at(*entry.subject).last_policy) {
      return answer(OutcomeKind::kStaleGrant);
    }
  }
  if (entry.repeat) {
    plan.repeats.AddRepeat(LoadBe<std::uint64_t>(entry.repeat->identity.data()), plan.metas.size());
  }
  outcome.index = LeafIndex{plan.next_index()};
  outcome.leaf_hash = entry.leaf_hash;
  PlanRecord(submission.entry(i), entry.leaf_hash, std::move(meta), plan);
  answer(OutcomeKind::kLogged);
}

bool Log::PlanGrant(PendingGrant& grant, Plan& plan) {
  const std::uint64_t last_policy = subjects_->at(grant.subject).last_policy;
  if (grant.NeedsWhatIsOver()) return false;
  if (grant.index != 0) return grant.index >= last_policy;
  if (grant.policy_index != last_policy) return false;
  for (const auto& needed : grant.needs) {
    // One that is in the log already serves, unless it is over.
    if (needed->index == 0 && !PlanGrant(*needed, plan)) return false;
  }
  grant.index = plan.next_index();
  plan.grants.push_back(&grant);
  RecordMeta meta;
  meta.subject = grant.subject;
  PlanRecord(grant.entry, grant.leaf_hash, std::move(meta), plan);
  return true;
}

void Log::PlanRecord(ByteSpan entry, const LeafHash& leaf_hash, RecordMeta meta, Plan& plan) {
  if (meta.subject) {
    SubjectState& state = subjects_->at(*meta.subject);
    if (!state.is_introduced) {
      meta.introduces = state.tag;
      state.is_introduced = true;
      plan.introduced.push_back(*meta.subject);
    }
    if (meta.is_policy) {
      plan.policies.emplace_back(*meta.subject, state.last_policy.load());
      state.last_policy = plan.next_index();
    }
  }
  plan.metas.push_back(std::move(meta));
  plan.leaves.push_back(leaf_hash);
  plan.payloads.push_back(entry);
}

void Log::UndoPlan(Plan& plan) {
  for (PendingGrant* grant : plan.grants) grant->index = 0;
  for (const SubjectNumber number : plan.introduced) subjects_->at(number).is_introduced = false;
  for (auto at = plan.policies.rbegin(); at != plan.policies.rend(); ++at) {
    subjects_->at(at->first).last_policy = at->second;
  }
}

void Log::ApplyCommit(Plan& plan) {
  hashes_->Append(plan.leaves);
  StepChains(plan.leaves, plan.metas, plan.first);
  index_->AddMany(plan.first, plan.metas);
  entries_since_checkpoint_ += plan.metas.size();
}

void Log::StepChains(std::span<const LeafHash> leaves, std::span<const RecordMeta> metas,
                     std::uint64_t first) {
  Bytes messages;
  messages.reserve(metas.size() * 40);
  // Steps of different chains go side by side; a chain's next one waits for its last.
  std::array<merkle::ChainStepAt, merkle::kMaxChainSteps> steps;
  std::array<SubjectState*, merkle::kMaxChainSteps> stepping;
  std::size_t n = 0;
  const auto step_all = [&] {
    merkle::ChainSteps(std::span(steps).first(n));
    while (n > 0) stepping[--n]->is_stepping = false;
  };
  for (std::size_t i = 0; i < metas.size(); ++i) {
    if (!metas[i].subject) continue;
    SubjectState& state = subjects_->at(*metas[i].subject);
    if (state.is_stepping || n == steps.size()) step_all();
    state.is_stepping = true;
    stepping[n] = &state;
    steps[n++] = {&state.head, LeafIndex{first + i}, &leaves[i]};
    if (state.count++ == 0) ++subject_count_;
    if (!state.is_touched) {
      state.is_touched = true;
      touched_.push_back(*metas[i].subject);
    }
    AppendBe(messages, static_cast<std::uint64_t>(first + i));
    Append(messages, state.tag.span());
  }
  step_all();
  std::vector<ByteSpan> views;
  views.reserve(messages.size() / 40);
  for (std::size_t at = 0; at < messages.size(); at += 40) {
    views.push_back(ByteSpan(messages).subspan(at, 40));
  }
  const std::size_t old = update_leaves_.size();
  update_leaves_.resize(old + views.size());
  merkle::HashLeaves(views, std::span(update_leaves_).subspan(old));
}

bool Log::CheckClock() {
  const auto offset = std::chrono::duration_cast<std::chrono::milliseconds>(
      clock_.Now().time_since_epoch() - clock_.Monotonic().time_since_epoch());
  std::lock_guard lock(queue_mutex_);
  const auto drift = offset > clock_offset_ ? offset - clock_offset_ : clock_offset_ - offset;
  if (drift > kMaxClockDrift || clock_.Now() < last_checkpoint_time_) is_clock_trusted_ = false;
  return is_clock_trusted_;
}

// A commit of its own: when it fails, nothing but itself has to be taken back.
Result<void> Log::AppendMapRoot() {
  if (!CheckClock()) {
    return FailedPrecondition(
        "the clock jumped, or the log stood still for more than 30 days: checkpoints stop until an "
        "officer confirms the clock (salus log confirm-clock)");
  }
  // Checked before the map is touched: a full disk must not take the published proofs away.
  if (!segments_->prepared() && segments_->free_bytes_in_segment() < kMapRootFrameBytes) {
    return ResourceExhausted("the disk is full, and the reserve for checkpoints is used up");
  }
  std::vector<merkle::MapUpdate> updates(touched_.size());
  for (std::size_t i = 0; i < touched_.size(); ++i) {
    const SubjectState& state = subjects_->at(touched_[i]);
    updates[i] = {merkle::PositionOf(state.tag), {state.count, state.head}};
  }
  MapRootEntry map;
  map.size = segments_->record_count();
  map.time = clock_.Now();
  map.subjects = subject_count_;
  map.updates = merkle::RootOf(update_leaves_);
  // From here until Publish the map is ahead of the published checkpoint: readers wait.
  std::unique_lock map_lock(map_mutex_);
  map_.Apply(updates);
  map.map_root = map_.root();
  const Bytes entry = map.Encode();
  const LeafHash leaf = merkle::HashLeaf(entry);
  Bytes meta;
  RecordMeta().AppendTo(meta);
  const storage::SegmentLog::RecordInput record{meta, entry, leaf.bytes()};
  // Should this fail, the map stays ahead of its checkpoint; what it is ahead by is durable, and
  // the next kind 3 entry covers it: published_ keeps proofs away until then.
  Result<void> durable =
      segments_->Append({&record, 1}, static_cast<std::uint64_t>(ToUnixMillis(map.time)), kTerm);
  if (!durable) {
    published_ = nullptr;
    return durable;
  }
  for (const SubjectNumber number : touched_) subjects_->at(number).is_touched = false;
  touched_.clear();
  update_leaves_.clear();
  hashes_->Append({&leaf, 1});
  index_->MaybeFlush(segments_->record_count());
  Result<void> signed_ok = SignCheckpoint(map, leaf);
  map_lock.unlock();
  entries_since_checkpoint_ = 0;
  if (signed_ok && map.size >= snapshot_size_ + SnapshotSpacing(map.subjects)) {
    if (Result<void> written = WriteSnapshot(); written) snapshot_size_ = map.size + 1;
  }
  return signed_ok;
}

// The caller holds map_mutex_.
Result<void> Log::SignCheckpoint(const MapRootEntry& map, const LeafHash& leaf) {
  auto next = std::make_shared<PublishedCheckpoint>();
  next->size = TreeSize{map.size + 1};
  next->map = map;
  TRY(next->root, merkle::RootAt(next->size, *hashes_));
  // Read back what was written: a flip between memory and disk is still repairable now.
  TRY(const storage::Record stored, segments_->Read(map.size));
  if (stored.payload_hash() != leaf.bytes()) {
    return Corruption("the map root entry reads back changed: stop and check this machine");
  }
  std::string body = options_.origin + "\n" + std::to_string(next->size.value) + "\n" +
                     codec::Base64Encode(next->root.span()) + "\n";
  TRY(next->note, signer_.sign(body));
  const std::optional<StoredCheckpoint> last = checkpoints_->last();
  const StoredCheckpoint stored_next{next->size.value, map.time, next->note};
  TRY_VOID(checkpoints_->Swap(last ? last->size : 0, stored_next));
  if (Result<void> kept = checkpoints_->Keep(stored_next); !kept) {
    salus::Log(LogLevel::kWarning, "checkpoint not kept",
               {{"reason", CodeName(kept.error().code)}});
  }
  last_checkpoint_time_ = map.time;
  published_ = std::move(next);
  if (metrics_) {
    metrics_->checkpoints.Add();
    metrics_->size.Set(static_cast<std::int64_t>(published_->size.value));
  }
  return {};
}

}  // namespace salus::tlog
