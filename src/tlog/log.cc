#include "tlog/log.h"

#include <algorithm>
#include <future>

#include "base/check.h"
#include "base/log.h"
#include "merkle/hash.h"
#include "tlog/log_metrics.h"

namespace salus::tlog {

namespace {

// A process writes under one term; PostgreSQL's fence will give out real ones.
constexpr std::uint32_t kTerm = 1;
// What processes that only ask may leave to the next start to replay.
constexpr std::uint64_t kMaxReplayed = 10'000;
constexpr std::chrono::days kMaxStandstill{30};

}  // namespace

Log::Log(storage::FileSystem& fs, std::string directory, LogOptions options,
         CheckpointSigner signer)
    : fs_(fs),
      directory_(std::move(directory)),
      options_(std::move(options)),
      signer_(std::move(signer)),
      clock_(*options_.clock),
      subjects_(std::make_unique<SubjectTable>(options_.origin)) {
  if (options_.metrics != nullptr) metrics_ = std::make_unique<Metrics>(*options_.metrics);
}

Log::~Log() {
  // The sequencer finishes what was submitted; then the derived files are brought up to date, so
  // that the next start replays little.
  if (sequencer_.joinable()) {
    if (!options_.manual_checkpoints && entries_since_checkpoint_ > 0) {
      [[maybe_unused]] const auto last = MakeCheckpoint();
    }
    sequencer_.request_stop();
    queue_changed_.notify_all();
    sequencer_.join();
  }
  if (keeper_.joinable()) {
    keeper_.request_stop();
    queue_changed_.notify_all();
    keeper_.join();
  }
  if (options_.read_only || !index_ || !published_) return;
  const bool is_near = segments_->record_count() - snapshot_size_ < kMaxReplayed;
  if (options_.is_for_questions && is_near) return;
  if (Result<void> ok = index_->FlushNow(segments_->record_count()); ok) ok = WriteSnapshot();
}

Result<void> Log::Create(storage::FileSystem& fs, const std::string& directory,
                         const LogOptions& options, const CheckpointSigner& signer,
                         ByteSpan genesis) {
  const crypto::Hash32 log_id = crypto::Sha256(AsBytes("salus/log\n" + options.origin));
  for (const char* name : {"hashes", "index"}) {
    TRY_VOID(fs.MakeDirectory(storage::JoinPath(directory, name)));
  }
  TRY(const auto segments,
      storage::SegmentLog::Create(fs, storage::JoinPath(directory, "segments"), log_id,
                                  {.segment_size_bytes = options.segment_size_bytes}));
  TRY_VOID(CheckpointStore::Create(fs, directory));
  Bytes meta;
  RecordMeta().AppendTo(meta);
  const storage::SegmentLog::RecordInput record{meta, genesis, merkle::HashLeaf(genesis).bytes()};
  const auto now_ms = static_cast<std::uint64_t>(ToUnixMillis(options.clock->Now()));
  TRY_VOID(segments->Append({&record, 1}, now_ms, kTerm));
  TRY_VOID(fs.SyncDirectory(directory));
  LogOptions first = options;
  first.manual_checkpoints = true;
  TRY(const auto log, Open(fs, directory, first, signer));
  TRY_VOID(log->MakeCheckpoint());
  return {};
}

Result<std::unique_ptr<Log>> Log::Open(storage::FileSystem& fs, const std::string& directory,
                                       const LogOptions& options, const CheckpointSigner& signer) {
  std::unique_ptr<Log> log(new Log(fs, directory, options, signer));
  TRY_VOID(log->OpenFiles());
  TRY_VOID(log->Recover());
  if (options.read_only) return log;
  log->clock_offset_ = std::chrono::duration_cast<std::chrono::milliseconds>(
      log->clock_.Now().time_since_epoch() - log->clock_.Monotonic().time_since_epoch());
  log->last_checkpoint_at_ = std::chrono::steady_clock::now();
  // There is no monotonic clock across a restart: what stood still for so long may as well have a
  // clock that is wrong, and what is signed for the future can't be taken back.
  log->is_clock_trusted_ = log->published_ == nullptr ||
                           log->clock_.Now() <= log->last_checkpoint_time_ + kMaxStandstill;
  log->keeper_ = std::jthread([l = log.get()](std::stop_token stop) { l->RunKeeper(stop); });
  log->sequencer_ = std::jthread([l = log.get()](std::stop_token stop) { l->RunSequencer(stop); });
  return log;
}

void Log::Submit(std::unique_ptr<Submission> submission) {
  CHECK(!options_.read_only);
  {
    std::lock_guard lock(queue_mutex_);
    queue_.push_back(std::move(submission));
    if (queue_.size() > 1) return;  // the sequencer was woken by the first
  }
  queue_changed_.notify_all();
}

std::unique_ptr<Submission> Log::SubmitAndWait(std::unique_ptr<Submission> submission) {
  std::promise<std::unique_ptr<Submission>> promise;
  auto future = promise.get_future();
  submission->done = [&promise](std::unique_ptr<Submission> done) {
    promise.set_value(std::move(done));
  };
  Submit(std::move(submission));
  return future.get();
}

Result<std::shared_ptr<const PublishedCheckpoint>> Log::MakeCheckpoint() {
  CHECK(!options_.read_only);
  std::unique_lock lock(queue_mutex_);
  const std::uint64_t wanted = ++checkpoints_asked_;
  checkpoint_wanted_ = true;
  queue_changed_.notify_all();
  queue_changed_.wait(lock, [&] { return checkpoints_made_ >= wanted; });
  if (!checkpoint_status_) return checkpoint_status_.error();
  lock.unlock();
  return published();
}

std::shared_ptr<const PublishedCheckpoint> Log::published() const {
  std::shared_lock lock(map_mutex_);
  return published_;
}

std::shared_ptr<const PublishedCheckpoint> Log::WaitPublished(
    LeafIndex index, std::chrono::milliseconds timeout) const {
  // Where none can come nobody waits for it: it would take a thread from others.
  const auto is_over = [&] {
    const auto current = published();
    return (current && current->size.value > index.value) || !makes_checkpoints_;
  };
  if (is_over()) return published();
  const auto count_waiting = [this](int change) {
    {
      std::lock_guard lock(queue_mutex_);
      waiting_ += change;
    }
    queue_changed_.notify_all();
  };
  count_waiting(1);
  {
    std::unique_lock lock(published_mutex_);
    published_changed_.wait_for(lock, timeout, is_over);
  }
  count_waiting(-1);
  return published();
}

void Log::ConfirmClock() {
  {
    std::lock_guard lock(queue_mutex_);
    clock_offset_ = std::chrono::duration_cast<std::chrono::milliseconds>(
        clock_.Now().time_since_epoch() - clock_.Monotonic().time_since_epoch());
    is_clock_trusted_ = true;
  }
  makes_checkpoints_ = true;
  queue_changed_.notify_all();
}

Result<StoredEntry> Log::ReadEntry(LeafIndex index) const {
  TRY(const storage::Record record, segments_->Read(index.value));
  StoredEntry entry;
  entry.index = index;
  entry.leaf_hash = LeafHash(record.payload_hash());
  entry.entry = ToBytes(record.payload());
  TRY(entry.meta, RecordMeta::Parse(record.meta()));
  return entry;
}

Result<LeafHash> Log::LeafHashAt(LeafIndex index) const {
  TRY(const merkle::NodeHash hash, hashes_->Read(0, index.value));
  return LeafHash(hash.bytes());
}

Result<std::vector<std::uint64_t>> Log::EntriesOf(const SubjectTag& tag, TreeSize size) const {
  const std::optional<SubjectNumber> number = subjects_->Find(tag);
  if (!number) return std::vector<std::uint64_t>();
  return index_->EntriesOf(*number, size.value);
}

ChainProof Log::ProveChain(const SubjectTag& tag) const {
  std::shared_lock lock(map_mutex_);
  const merkle::MapPosition position = merkle::PositionOf(tag);
  return {published_, map_.Prove(position), map_.Find(position)};
}

Result<Bytes> Log::ReadBundle(const merkle::TileId& id) const {
  Bytes bundle;
  const std::uint64_t first = id.n * merkle::kTileWidth;
  TRY_VOID(segments_->Scan(first, first + id.width, [&bundle](const storage::RecordView& record) {
    return merkle::AppendBundleEntry(bundle, record.payload);
  }));
  return bundle;
}

Result<std::optional<Outcome>> Log::FindRepeat(const RepeatKey& key) const {
  TRY(const std::vector<std::uint64_t> candidates, index_->Candidates(key));
  for (const std::uint64_t index : candidates) {
    TRY(const StoredEntry entry, ReadEntry(LeafIndex{index}));
    if (!entry.meta.repeat || entry.meta.repeat->identity != key.identity) continue;
    const bool is_same = entry.meta.repeat->content == key.content;
    return std::optional(Outcome{.kind = is_same ? OutcomeKind::kRepeat : OutcomeKind::kConflict,
                                 .index = LeafIndex{index},
                                 .leaf_hash = entry.leaf_hash});
  }
  return std::optional<Outcome>();
}

// The keeper takes disk space ahead of need. When it can't, the log is full: what is left in the
// current segment is the reserve for queries and checkpoints.
void Log::RunKeeper(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wait;
  while (!stop.stop_requested()) {
    Result<void> ok = segments_->Prepare();
    if (ok) ok = hashes_->Prepare(512 * 1024);
    const bool was_full = is_full_.exchange(!ok);
    if (!ok && !was_full) {
      Log::LogFull(ok.error());
    } else if (ok && was_full) {
      salus::Log(LogLevel::kInfo, "disk space is back: ingest goes on");
    }
    std::unique_lock lock(mutex);
    wait.wait_for(lock, stop, std::chrono::milliseconds(20), [] { return false; });
  }
}

void Log::LogFull(const Error& error) {
  salus::Log(LogLevel::kError, "disk full: only queries are taken until there is space",
             {{"reason", CodeName(error.code)}});
}

}  // namespace salus::tlog
