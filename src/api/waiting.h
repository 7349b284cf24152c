// Await turns the recorder's call back into a return, for callers with a thread to spare.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "audit/recorder.h"

namespace salus::api {

// Await calls start(done) and waits until done was called.
template <typename Start>
Result<audit::RecordedBatch> Await(Start&& start) {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Result<audit::RecordedBatch>> batch;
  std::forward<Start>(start)([&](Result<audit::RecordedBatch> done) {
    std::lock_guard lock(mutex);
    batch = std::move(done);
    changed.notify_one();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return batch.has_value(); });
  return *std::move(batch);
}

}  // namespace salus::api
