// WorkQueue runs short jobs on a few threads of its own.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace salus::audit {

// A thread takes several light jobs at once, and only then wakes another: a commit of many small
// requests costs one wake-up, one of a few large ones keeps all threads busy.
//
// Threads: Post from any thread. The destructor runs what was posted, then joins.
class WorkQueue {
 public:
  explicit WorkQueue(unsigned threads) {
    for (unsigned i = 0; i < threads; ++i) {
      threads_.emplace_back([this](std::stop_token stop) { Run(stop); });
    }
  }
  ~WorkQueue() {
    for (std::jthread& thread : threads_) thread.request_stop();
    changed_.notify_all();
    threads_.clear();
  }
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // weight is the work in the job, in entries or the like.
  void Post(std::size_t weight, std::function<void()> job) {
    bool wakes = false;
    {
      std::lock_guard lock(mutex_);
      jobs_.push_back({weight, std::move(job)});
      wakes = idle_ > 0 && jobs_.size() == 1;
    }
    if (wakes) changed_.notify_one();
  }

 private:
  static constexpr std::size_t kWeightAtOnce = 256;
  struct Job {
    std::size_t weight;
    std::function<void()> run;
  };

  void Run(std::stop_token stop) {
    std::vector<Job> taken;
    std::unique_lock lock(mutex_);
    for (;;) {
      ++idle_;
      changed_.wait(lock, stop, [this] { return !jobs_.empty(); });
      --idle_;
      if (jobs_.empty()) return;
      for (std::size_t weight = 0; !jobs_.empty() && weight < kWeightAtOnce; jobs_.pop_front()) {
        weight += jobs_.front().weight;
        taken.push_back(std::move(jobs_.front()));
      }
      const bool wakes = idle_ > 0 && !jobs_.empty();
      lock.unlock();
      if (wakes) changed_.notify_one();
      for (Job& job : taken) {
        job.run();
        job.run = nullptr;
      }
      taken.clear();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Job> jobs_;  // by mutex_
  int idle_ = 0;          // by mutex_
  std::vector<std::jthread> threads_;
};

}  // namespace salus::audit
