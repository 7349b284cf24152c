#include "http/event_loop.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <utility>
#include <vector>

namespace salus::http {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

thread_local bool on_loop_thread = false;

class AsioWatch final : public FdWatch {
 public:
  AsioWatch(asio::io_context& io, int fd) : descriptor_(io, fd) {}

  int fd() const override { return const_cast<AsioWatch*>(this)->descriptor_.native_handle(); }

  void WhenReadable(std::shared_ptr<FdHandler> handler) override {
    descriptor_.async_wait(asio::posix::descriptor_base::wait_read,
                           [handler = std::move(handler)](const ErrorCode& ec) {
                             if (ec != asio::error::operation_aborted) handler->OnReadable();
                           });
  }
  void WhenWritable(std::shared_ptr<FdHandler> handler) override {
    descriptor_.async_wait(asio::posix::descriptor_base::wait_write,
                           [handler = std::move(handler)](const ErrorCode& ec) {
                             if (ec != asio::error::operation_aborted) handler->OnWritable();
                           });
  }
  void Close() override {
    ErrorCode ignored;
    descriptor_.close(ignored);
  }

 private:
  asio::posix::stream_descriptor descriptor_;
};

class FunctionTask final : public LoopTask {
 public:
  explicit FunctionTask(std::function<void()> function) : function_(std::move(function)) {}
  void RunOnLoop() override { function_(); }

 private:
  std::function<void()> function_;
};

}  // namespace

struct EventLoop::State {
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  asio::steady_timer timer{io};
  std::chrono::milliseconds interval{0};
  std::function<void()> tick;

  std::mutex mutex;
  std::vector<std::shared_ptr<LoopTask>> posted;  // guarded by mutex
  std::vector<std::shared_ptr<LoopTask>> running;

  void Drain() {
    {
      std::lock_guard lock(mutex);
      running.swap(posted);
    }
    for (auto& task : running) task->RunOnLoop();
    running.clear();
  }
  void ArmTimer() {
    timer.expires_after(interval);
    timer.async_wait([this](const ErrorCode& ec) {
      if (ec) return;
      tick();
      ArmTimer();
    });
  }
};

EventLoop::EventLoop() : state_(std::make_unique<State>()) {}
EventLoop::~EventLoop() = default;

bool OnLoopThread() { return on_loop_thread; }

void EventLoop::Run() {
  on_loop_thread = true;
  state_->io.run();
  on_loop_thread = false;
}
void EventLoop::Stop() { state_->io.stop(); }

void EventLoop::Post(std::shared_ptr<LoopTask> task) {
  bool was_empty;
  {
    std::lock_guard lock(state_->mutex);
    was_empty = state_->posted.empty();
    state_->posted.push_back(std::move(task));
  }
  if (was_empty) asio::post(state_->io, [this] { state_->Drain(); });
}

void EventLoop::PostFunction(std::function<void()> function) {
  Post(std::make_shared<FunctionTask>(std::move(function)));
}

void EventLoop::Tick(std::chrono::milliseconds interval, std::function<void()> function) {
  state_->interval = interval;
  state_->tick = std::move(function);
  state_->ArmTimer();
}

std::unique_ptr<FdWatch> EventLoop::Watch(int fd) {
  return std::make_unique<AsioWatch>(state_->io, fd);
}

}  // namespace salus::http
