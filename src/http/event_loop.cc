#include "http/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <utility>
#include <vector>

#include "base/check.h"

namespace salus::http {
namespace {

thread_local bool on_loop_thread = false;

constexpr int kEventsPerRound = 256;

class FunctionTask final : public LoopTask {
 public:
  explicit FunctionTask(std::function<void()> function) : function_(std::move(function)) {}
  void RunOnLoop() override { function_(); }

 private:
  std::function<void()> function_;
};

}  // namespace

class EpollWatch;

struct EventLoop::State {
  State() {
    CHECK(epoll_fd >= 0 && wake_fd >= 0);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    CHECK(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event) == 0);
  }
  ~State() {
    close(wake_fd);
    close(epoll_fd);
  }

  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::atomic<bool> stopped{false};

  std::chrono::milliseconds interval{0};
  std::chrono::steady_clock::time_point next_tick{};
  std::function<void()> tick;

  // What the current round still has to look at. A watch that goes is taken out of it.
  std::array<epoll_event, kEventsPerRound> events;
  int event_count = 0;
  int next_event = 0;
  EpollWatch* current = nullptr;
  // Watches that the system had no memory for; each round tries again, so that nothing that waits
  // is forgotten.
  std::vector<EpollWatch*> unregistered;
  // Handlers that are no longer waited for; released at the end of the round, because the one that
  // drops them may be theirs.
  std::vector<std::shared_ptr<FdHandler>> dropped;

  std::mutex mutex;
  std::vector<std::shared_ptr<LoopTask>> posted;  // guarded by mutex
  std::vector<std::shared_ptr<LoopTask>> running;

  void Wake() {
    const std::uint64_t one = 1;
    // A full counter wakes too.
    if (write(wake_fd, &one, sizeof one) < 0) return;
  }
  void ClearWake() {
    std::uint64_t count = 0;
    if (read(wake_fd, &count, sizeof count) < 0) return;
  }
  void Drain() {
    {
      std::lock_guard lock(mutex);
      running.swap(posted);
    }
    for (auto& task : running) task->RunOnLoop();
    running.clear();
  }
  int WaitTime() const {
    if (!tick) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(next_tick - std::chrono::steady_clock::now());
    return static_cast<int>(std::max<std::chrono::milliseconds::rep>(0, left.count()));
  }
  void RunTick() {
    if (!tick) return;
    const auto now = std::chrono::steady_clock::now();
    if (now < next_tick) return;
    next_tick = now + interval;
    tick();
  }
  void RunRound();
  void RegisterAgain();
};

// EpollWatch keeps its descriptor in the epoll set from one wait to the next: the interest is taken
// back only when something comes that nobody waits for. A connection that always waits for its next
// bytes costs no system call for it.
class EpollWatch final : public FdWatch {
 public:
  EpollWatch(EventLoop::State& state, int fd) : state_(state), fd_(fd) {}
  ~EpollWatch() override { Close(); }

  int fd() const override { return fd_; }

  void WhenReadable(std::shared_ptr<FdHandler> handler) override {
    if (fd_ < 0) return;
    reader_ = std::move(handler);
    Want(interest_ | EPOLLIN);
  }
  void WhenWritable(std::shared_ptr<FdHandler> handler) override {
    if (fd_ < 0) return;
    writer_ = std::move(handler);
    Want(interest_ | EPOLLOUT);
  }
  void Close() override {
    if (fd_ < 0) return;
    // One that was never waited on may be closed by any thread.
    if (was_registered_ || missing_ != 0) Forget();
    close(fd_);
    fd_ = -1;
  }

  void RegisterAgain() { Want(missing_); }

  void OnEvents(std::uint32_t events) {
    constexpr std::uint32_t kBoth = EPOLLHUP | EPOLLERR;
    std::shared_ptr<FdHandler> reader, writer;
    std::uint32_t keep = interest_;
    if ((events & (EPOLLIN | kBoth)) != 0) {
      reader = std::move(reader_);
      if (reader == nullptr) keep &= ~static_cast<std::uint32_t>(EPOLLIN);
    }
    if ((events & (EPOLLOUT | kBoth)) != 0) {
      writer = std::move(writer_);
      if (writer == nullptr) keep &= ~static_cast<std::uint32_t>(EPOLLOUT);
    }
    Want(keep);
    EventLoop::State& state = state_;
    state.current = this;
    if (reader != nullptr) reader->OnReadable();
    // The reader may have closed this watch, and it may be gone.
    if (writer != nullptr && state.current == this) writer->OnWritable();
    state.current = nullptr;
  }

 private:
  void Want(std::uint32_t interest) {
    if (interest == interest_) return;
    interest |= missing_;
    epoll_event event{};
    event.events = interest;
    event.data.ptr = this;
    // A hang-up is reported whatever the interest is, so that without one the descriptor must go.
    const int operation = interest == 0    ? EPOLL_CTL_DEL
                          : interest_ == 0 ? EPOLL_CTL_ADD
                                           : EPOLL_CTL_MOD;
    const bool done = epoll_ctl(state_.epoll_fd, operation, fd_, &event) == 0;
    if (!done && operation == EPOLL_CTL_ADD && (errno == ENOMEM || errno == ENOSPC)) {
      if (std::exchange(missing_, interest) == 0) state_.unregistered.push_back(this);
      return;
    }
    CHECK(done);
    if (std::exchange(missing_, 0u) != 0) std::erase(state_.unregistered, this);
    interest_ = interest;
    was_registered_ = true;
  }

  void Forget() {
    if (std::exchange(missing_, 0u) != 0) std::erase(state_.unregistered, this);
    Want(0);
    if (state_.current == this) state_.current = nullptr;
    for (int i = state_.next_event; i < state_.event_count; ++i) {
      epoll_event& event = state_.events[static_cast<std::size_t>(i)];
      if (event.data.ptr == this) event.events = 0;
    }
    if (reader_ != nullptr) state_.dropped.push_back(std::move(reader_));
    if (writer_ != nullptr) state_.dropped.push_back(std::move(writer_));
  }

  EventLoop::State& state_;
  int fd_;
  std::uint32_t interest_ = 0;
  std::uint32_t missing_ = 0;  // what the system had no memory for; then interest_ is 0
  bool was_registered_ = false;
  std::shared_ptr<FdHandler> reader_, writer_;
};

void EventLoop::State::RegisterAgain() {
  const std::vector<EpollWatch*> again = unregistered;
  for (EpollWatch* const one : again) one->RegisterAgain();
}

void EventLoop::State::RunRound() {
  if (!unregistered.empty()) RegisterAgain();
  event_count = std::max(0, epoll_wait(epoll_fd, events.data(), kEventsPerRound, WaitTime()));
  bool woken = false;
  for (next_event = 0; next_event < event_count;) {
    const epoll_event event = events[static_cast<std::size_t>(next_event++)];
    if (event.data.ptr == nullptr) {
      woken = true;
    } else if (event.events != 0) {
      static_cast<EpollWatch*>(event.data.ptr)->OnEvents(event.events);
    }
  }
  event_count = next_event = 0;
  if (woken) {
    ClearWake();
    Drain();
  }
  RunTick();
  std::exchange(dropped, {}).clear();
}

EventLoop::EventLoop() : state_(std::make_unique<State>()) {}
EventLoop::~EventLoop() = default;

bool OnLoopThread() { return on_loop_thread; }

void EventLoop::Run() {
  on_loop_thread = true;
  while (!state_->stopped) state_->RunRound();
  on_loop_thread = false;
}
void EventLoop::Stop() {
  state_->stopped = true;
  state_->Wake();
}

void EventLoop::Post(std::shared_ptr<LoopTask> task) {
  bool was_empty;
  {
    std::lock_guard lock(state_->mutex);
    was_empty = state_->posted.empty();
    state_->posted.push_back(std::move(task));
  }
  if (was_empty) state_->Wake();
}

void EventLoop::PostFunction(std::function<void()> function) {
  Post(std::make_shared<FunctionTask>(std::move(function)));
}

void EventLoop::Tick(std::chrono::milliseconds interval, std::function<void()> function) {
  state_->interval = interval;
  state_->next_tick = std::chrono::steady_clock::now() + interval;
  state_->tick = std::move(function);
}

std::unique_ptr<FdWatch> EventLoop::Watch(int fd) {
  return std::make_unique<EpollWatch>(*state_, fd);
}

}  // namespace salus::http
