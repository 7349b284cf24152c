#include "bench/feeder.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>

#include "base/check.h"

namespace salus::bench {

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 1 << 20;
// What the parser may read behind a line without looking.
constexpr std::size_t kPaddingBytes = 64;

}  // namespace

bool LineSource::Refill() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::size_t size = buffer_.size();
  buffer_.resize(size + kReadBytes);
  ssize_t n = 0;
  do {
    n = read(file_, buffer_.data() + size, kReadBytes);
  } while (n < 0 && errno == EINTR);
  CHECK(n >= 0);
  buffer_.resize(size + static_cast<std::size_t>(n));
  return n > 0;
}

std::size_t LineSource::Next(std::size_t count, std::string& out) {
  std::lock_guard lock(mutex_);
  std::size_t lines = 0;
  std::size_t end = begin_;
  while (lines < count) {
    const char* at = buffer_.data() + end;
    const void* newline = std::memchr(at, '\n', buffer_.size() - end);
    if (newline != nullptr) {
      end += static_cast<std::size_t>(static_cast<const char*>(newline) - at) + 1;
      ++lines;
      continue;
    }
    end -= begin_;  // Refill moves the rest to the front
    if (!Refill()) break;
  }
  out.assign(buffer_, begin_, end - begin_);
  begin_ = end;
  return lines;
}

// Pass is one Run: its threads, what is in flight, and what has come back.
class Feeder::Pass {
 public:
  using Take = std::function<std::size_t(std::size_t count, std::string& out)>;

  Pass(node::Node& node, const audit::SourceRow& source, const FeedOptions& options, Take take)
      : node_(node), source_(source), options_(options), take_(std::move(take)) {}

  FeedResult Run() {
    start_ = SteadyClock::now();
    std::jthread watcher([this] { WatchCheckpoints(); });
    {
      std::vector<std::jthread> threads;
      for (unsigned i = 0; i < options_.threads; ++i) threads.emplace_back([this] { Feed(); });
    }
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return in_flight_ == 0; });
      result_.seconds = SecondsSince(start_);
      is_over_ = true;
    }
    changed_.notify_all();
    watcher.join();
    return std::move(result_);
  }

 private:
  void Feed() {
    while (std::shared_ptr<Batch> batch = NextBatch()) {
      if (options_.events_per_second > 0) std::this_thread::sleep_until(batch->due);
      node_.recorder().RecordLines(
          source_, batch->lines, {},
          [this, batch](Result<audit::RecordedBatch> recorded) { Answered(*batch, recorded); });
    }
  }

  // In the order of the input, and within the limit of what may be in flight.
  std::shared_ptr<Batch> NextBatch() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return in_flight_ < options_.batches_in_flight; });
    const std::uint64_t count =
        std::min<std::uint64_t>(options_.lines_per_batch, options_.events - taken_);
    auto batch = std::make_shared<Batch>();
    batch->lines.reserve(count * 512 + kPaddingBytes);
    const std::size_t lines = count == 0 ? 0 : take_(count, batch->lines);
    if (lines == 0) return nullptr;
    batch->due = SteadyClock::now();
    if (options_.events_per_second > 0) {
      // From when it should have been sent: a stall must show in the latencies behind it.
      batch->due =
          start_ + std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(
                       static_cast<double>(taken_) / options_.events_per_second));
    }
    if (taken_ == 0) result_.first_batch = batch->lines;
    taken_ += lines;
    ++in_flight_;
    return batch;
  }

  void Answered(const Batch& batch, const Result<audit::RecordedBatch>& recorded) {
    if (!recorded) Die("a batch was refused", recorded.error());
    std::uint64_t last = 0;
    std::uint64_t logged = 0;
    std::uint64_t repeats = 0;
    std::uint64_t refused = 0;
    for (const audit::RecordedLine& line : recorded->lines) {
      if (!line.outcome) {
        ++refused;
        continue;
      }
      (line.outcome->kind == tlog::OutcomeKind::kRepeat ? repeats : logged) += 1;
      last = std::max(last, line.outcome->index.value);
    }
    {
      std::lock_guard lock(mutex_);
      result_.logged += logged;
      result_.repeats += repeats;
      result_.refused += refused;
      result_.durable.Add(SecondsSince(batch.due));
      if (logged > 0) waiting_.push_back({last, batch.due});
      --in_flight_;
    }
    changed_.notify_all();
  }

  void WatchCheckpoints() {
    constexpr std::chrono::milliseconds kWait{1000};
    for (;;) {
      Waiting next{};
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return is_over_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        next = waiting_.front();
        waiting_.pop_front();
      }
      const merkle::LeafIndex index{next.index};
      for (;;) {
        const auto published = node_.log().WaitPublished(index, kWait);
        if (published && published->size.value > index.value) break;
      }
      result_.published.Add(SecondsSince(next.due));  // only this thread does
    }
  }

  node::Node& node_;
  const audit::SourceRow& source_;
  const FeedOptions options_;
  const Take take_;
  Instant start_;

  std::mutex mutex_;
  std::condition_variable changed_;
  FeedResult result_;            // by mutex_, but for `published`
  std::deque<Waiting> waiting_;  // by mutex_
  std::uint64_t taken_ = 0;      // by mutex_
  std::size_t in_flight_ = 0;    // by mutex_
  bool is_over_ = false;         // by mutex_
};

FeedResult Feeder::Run(LineSource& lines, const FeedOptions& options) {
  return Pass(node_, source_, options,
              [&lines](std::size_t count, std::string& out) { return lines.Next(count, out); })
      .Run();
}

FeedResult Feeder::RunText(const std::string& lines, const FeedOptions& options) {
  std::size_t begin = 0;
  return Pass(node_, source_, options,
              [&lines, &begin](std::size_t count, std::string& out) {
                std::size_t end = begin;
                std::size_t taken = 0;
                for (; taken < count && end < lines.size(); ++taken)
                  end = lines.find('\n', end) + 1;
                out.assign(lines, begin, end - begin);
                begin = end;
                return taken;
              })
      .Run();
}

}  // namespace salus::bench
