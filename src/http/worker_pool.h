// A bounded pool of threads for handlers that block. Internal to the module.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace salus::http {

class WorkerPool {
 public:
  // max_waiting bounds the queue; what would make it longer is refused.
  WorkerPool(int threads, std::size_t max_waiting);
  ~WorkerPool() { Stop(); }

  // Submit is false when the queue is full or the pool stopped; work is then not taken.
  bool Submit(std::function<void()>& work);
  // Stop waits for what runs; what only waits is dropped.
  void Stop();

 private:
  void RunThread();

  const std::size_t max_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;  // guarded by mutex_
  std::size_t idle_ = 0;                       // guarded by mutex_
  bool stopped_ = false;                       // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace salus::http
