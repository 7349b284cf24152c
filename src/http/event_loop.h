// The event loop of one thread, over epoll: readiness of sockets, a tick, and work from other
// threads.
//
// Source: epoll(7), level-triggered. Deviation: none.
// Shape:  one thread calls Run; handlers are called one after the other on it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace salus::http {

// LoopTask is work for a loop's thread.
class LoopTask {
 public:
  virtual ~LoopTask() = default;
  virtual void RunOnLoop() = 0;
};

// FdHandler is told once when what it asked for is there. Called on the loop's thread.
class FdHandler {
 public:
  virtual ~FdHandler() = default;
  virtual void OnReadable() = 0;
  virtual void OnWritable() = 0;
};

// FdWatch owns a non-blocking descriptor and waits on it. Loop thread only; closing it or
// destroying it drops what is being waited for.
class FdWatch {
 public:
  virtual ~FdWatch() = default;
  virtual int fd() const = 0;
  // The handler is kept alive until it was called.
  virtual void WhenReadable(std::shared_ptr<FdHandler> handler) = 0;
  virtual void WhenWritable(std::shared_ptr<FdHandler> handler) = 0;
  virtual void Close() = 0;
};

// OnLoopThread: the caller is in some loop's Run, and so must not block.
bool OnLoopThread();

// EventLoop calls handlers as their descriptors become ready.
//
// Threads: Post, PostFunction and Stop from any; the rest belongs to the thread of Run.
class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Run serves until Stop. Call once.
  void Run();
  // Stop ends Run soon. Threads: any.
  void Stop();

  // Post runs task on the loop's thread. Many posts between two rounds of the loop cost one
  // wake-up. Threads: any.
  void Post(std::shared_ptr<LoopTask> task);
  void PostFunction(std::function<void()> function);

  // Tick calls function in every interval. Before Run only.
  void Tick(std::chrono::milliseconds interval, std::function<void()> function);

  // Watch takes the descriptor over. Threads: any, as long as nothing was waited for.
  std::unique_ptr<FdWatch> Watch(int fd);

 private:
  friend class EpollWatch;
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace salus::http
