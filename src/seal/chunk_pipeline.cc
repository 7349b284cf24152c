#include "seal/chunk_pipeline.h"

#include "base/secret.h"

namespace salus::seal {

namespace {

// One that is full and waits for its caller to know whether it is the last, and one to fill.
constexpr int kCallersBatches = 2;

}  // namespace

ChunkPipeline::ChunkPipeline(std::function<ChunkWork()> make_work, ByteSink& sink,
                             std::size_t in_capacity, std::size_t out_capacity, unsigned threads)
    : make_work_(std::move(make_work)),
      sink_(sink),
      in_capacity_(in_capacity),
      out_capacity_(out_capacity),
      threads_(threads) {
  for (int i = 0; i < kCallersBatches; ++i) {
    batches_.push_back(NewBatch());
    free_.push_back(batches_.back().get());
  }
}

ChunkPipeline::~ChunkPipeline() {
  {
    const std::lock_guard lock(mutex_);
    is_ended_ = true;
    if (!error_) error_ = Internal("given up");
  }
  changed_.notify_all();
  workers_.clear();
  for (const auto& batch : batches_) {
    WipeMemory(batch->in.data(), batch->in.size());
    WipeMemory(batch->out.data(), batch->out.size());
  }
}

std::unique_ptr<ChunkBatch> ChunkPipeline::NewBatch() const {
  auto batch = std::make_unique<ChunkBatch>();
  batch->in.resize(in_capacity_);
  batch->out.resize(out_capacity_);
  return batch;
}

ChunkBatch& ChunkPipeline::Next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !free_.empty(); });
  ChunkBatch& batch = *free_.back();
  free_.pop_back();
  batch.in_size = batch.out_size = 0;
  batch.is_last = false;
  return batch;
}

void ChunkPipeline::StartThreads() {
  for (unsigned i = 0; i < threads_; ++i) {
    batches_.push_back(NewBatch());
    free_.push_back(batches_.back().get());
    workers_.emplace_back([this, work = make_work_()] { Serve(work); });
  }
}

Result<void> ChunkPipeline::FirstError() const {
  if (error_) return *error_;
  return {};
}

Result<void> ChunkPipeline::Submit(ChunkBatch& batch) {
  batch.turn = submitted_++;
  if (workers_.empty() && (batch.is_last || threads_ <= 1)) {
    if (!own_work_) own_work_ = make_work_();
    Process(batch, own_work_);
    const std::lock_guard lock(mutex_);
    return FirstError();
  }
  const std::lock_guard lock(mutex_);
  if (workers_.empty()) StartThreads();
  waiting_.push_back(&batch);
  changed_.notify_all();
  return FirstError();
}

void ChunkPipeline::Process(ChunkBatch& batch, ChunkWork& work) {
  Result<void> done = work(batch);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return turn_ == batch.turn; });
  if (!error_ && batch.out_size > 0) {
    // Nobody else is at the sink: it is this batch's turn until turn_ is raised.
    lock.unlock();
    Result<void> written = sink_.Write(ByteSpan(batch.out).first(batch.out_size));
    lock.lock();
    if (!written) error_ = std::move(written.error());
  }
  if (!error_ && !done) error_ = std::move(done.error());
  ++turn_;
  free_.push_back(&batch);
  changed_.notify_all();
}

void ChunkPipeline::Serve(ChunkWork work) {
  while (true) {
    ChunkBatch* batch = nullptr;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return is_ended_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      batch = waiting_.front();
      waiting_.pop_front();
    }
    Process(*batch, work);
  }
}

Result<void> ChunkPipeline::Finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return turn_ == submitted_; });
  is_ended_ = true;
  changed_.notify_all();
  return FirstError();
}

}  // namespace salus::seal
