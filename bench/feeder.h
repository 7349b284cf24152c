// Feeder sends NDJSON lines into a node's recorder, a thousand at a time, and measures when they
// are durable and when a published checkpoint covers them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "audit/directory.h"
#include "bench/figures.h"
#include "node/node.h"

namespace salus::bench {

// LineSource hands out lines of a file or a pipe that another process writes.
// Threads: safe to share.
class LineSource {
 public:
  explicit LineSource(int file) : file_(file) {}
  // Next fills out with up to `count` whole lines, and returns how many there were; 0 at the end.
  std::size_t Next(std::size_t count, std::string& out);

 private:
  bool Refill();

  const int file_;
  std::mutex mutex_;
  std::string buffer_;     // by mutex_
  std::size_t begin_ = 0;  // by mutex_: of what was not handed out
};

struct FeedOptions {
  std::uint64_t events = 0;
  double events_per_second = 0;  // 0: as fast as it goes
  unsigned threads = 2;
  std::size_t lines_per_batch = 1000;
  std::size_t batches_in_flight = 16;
};

struct FeedResult {
  std::uint64_t logged = 0;
  std::uint64_t repeats = 0;
  std::uint64_t refused = 0;
  double seconds = 0;       // to the last answer
  Latencies durable;        // of a batch: from when it was due to its answer
  Latencies published;      // of a batch: to a published checkpoint over it
  std::string first_batch;  // as it was sent
};

class Feeder {
 public:
  Feeder(node::Node& node, const audit::SourceRow& source) : node_(node), source_(source) {}

  // Run takes events from source until there are enough, and waits for all answers. A failing batch
  // ends the process.
  FeedResult Run(LineSource& lines, const FeedOptions& options);
  // RunText is Run over lines in memory.
  FeedResult RunText(const std::string& lines, const FeedOptions& options);

 private:
  using Instant = std::chrono::steady_clock::time_point;
  struct Batch {
    std::string lines;
    Instant due;
  };
  struct Waiting {  // for a checkpoint
    std::uint64_t index;
    Instant due;
  };
  class Pass;

  node::Node& node_;
  const audit::SourceRow source_;
};

}  // namespace salus::bench
