// ChunkPipeline seals or opens the chunks of a file on several threads, and hands on what comes out
// in order. Internal to the module.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "seal/stream.h"

namespace salus::seal {

// ChunkBatch is a run of chunks on their way: in is what came, out what goes.
struct ChunkBatch {
  Bytes in;
  std::size_t in_size = 0;
  std::uint64_t first_chunk = 0;
  bool is_last = false;  // the file ends with it
  Bytes out;
  std::size_t out_size = 0;  // of what may leave, also when the work failed half way
  std::uint64_t turn = 0;
};

// ChunkWork is the arithmetic of one thread. It fills out and out_size of the batch.
using ChunkWork = std::function<Result<void>(ChunkBatch&)>;

// Shape:   memory is threads + 2 batches, whatever the file's size.
// Threads: one caller; sink is called from one thread at a time, in order.
class ChunkPipeline {
 public:
  // make_work is called once for each thread. No thread is started before a second batch comes;
  // with threads = 1 all is done on the caller's.
  ChunkPipeline(std::function<ChunkWork()> make_work, ByteSink& sink, std::size_t in_capacity,
                std::size_t out_capacity, unsigned threads);
  ~ChunkPipeline();
  ChunkPipeline(const ChunkPipeline&) = delete;
  ChunkPipeline& operator=(const ChunkPipeline&) = delete;

  // Next is an empty batch to fill; it waits for one. The caller may hold two.
  ChunkBatch& Next();
  // Submit takes back the batch of Next. After an error nothing more leaves.
  //
  // Errors: the first one of the work or of the sink.
  Result<void> Submit(ChunkBatch& batch);
  // Finish waits until all has left. Call once, after the last Submit.
  Result<void> Finish();

 private:
  void StartThreads();
  void Serve(ChunkWork work);
  void Process(ChunkBatch& batch, ChunkWork& work);
  Result<void> FirstError() const;  // with mutex_ held
  std::unique_ptr<ChunkBatch> NewBatch() const;

  const std::function<ChunkWork()> make_work_;
  ByteSink& sink_;
  const std::size_t in_capacity_;
  const std::size_t out_capacity_;
  const unsigned threads_;
  std::vector<std::unique_ptr<ChunkBatch>> batches_;  // the caller's thread only
  std::uint64_t submitted_ = 0;                       // likewise
  ChunkWork own_work_;                                // likewise

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::vector<ChunkBatch*> free_;
  std::deque<ChunkBatch*> waiting_;
  std::uint64_t turn_ = 0;  // of the batch that leaves next
  bool is_ended_ = false;
  std::optional<Error> error_;

  std::vector<std::jthread> workers_;
};

}  // namespace salus::seal
