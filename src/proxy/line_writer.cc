#include "proxy/line_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace salus::proxy {
namespace {

constexpr std::size_t kMaxWaitingBytes = 4u << 20;
constexpr std::chrono::milliseconds kWriteInterval{200};
// What a pipe or socket that has room takes at once. Source: pipe(7), PIPE_BUF.
constexpr std::size_t kPieceBytes = 4096;
constexpr int kPollMs = 100;
// How long the end of the process may wait for whoever reads.
constexpr std::chrono::seconds kPatience{1};

// A pipe is opened anew, so that it can be non-blocking for us alone: its other writers, such as
// the shell that started us, share the flags of the descriptor that they gave us.
int OpenStandardError() {
  struct stat status{};
  if (fstat(STDERR_FILENO, &status) == 0 && S_ISFIFO(status.st_mode)) {
    const int fd = open("/proc/self/fd/2", O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) return fd;
  }
  return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
}

int OpenFile(const std::string& path) {
  if (path == "-") return OpenStandardError();
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  return open(path.c_str(), kFlags, 0600);
}

}  // namespace

Result<std::unique_ptr<LineWriter>> LineWriter::Open(const std::string& path) {
  const int fd = OpenFile(path);
  if (fd < 0) return Unavailable("log " + path + ": " + std::strerror(errno));
  return std::unique_ptr<LineWriter>(new LineWriter(path, fd));
}

LineWriter::LineWriter(std::string path, int fd) : path_(std::move(path)), fd_(fd) {
  thread_ = std::thread([this] { Run(); });
}

LineWriter::~LineWriter() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  thread_.join();
  close(fd_);
}

void LineWriter::Add(std::string_view line) {
  std::lock_guard lock(mutex_);
  if (waiting_.size() > kMaxWaitingBytes) {
    ++left_out_;
    return;
  }
  if (waiting_.empty()) changed_.notify_all();
  waiting_ += line;
}

void LineWriter::Reopen() {
  std::lock_guard lock(mutex_);
  reopen_ = true;
  changed_.notify_all();
}

void LineWriter::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopped_ || reopen_ || !waiting_.empty(); });
    // A little later, so that many lines are one write.
    changed_.wait_for(lock, kWriteInterval, [&] { return stopped_; });
    const bool is_last = stopped_;
    std::string text = std::exchange(waiting_, {});
    if (const std::uint64_t left_out = std::exchange(left_out_, 0); left_out != 0) {
      text += fmt::format("{} lines were left out: the log is too slow\n", left_out);
    }
    const bool reopen = std::exchange(reopen_, false);
    lock.unlock();
    WriteOut(text);
    if (reopen && path_ != "-") {
      if (const int fd = OpenFile(path_); fd >= 0) close(std::exchange(fd_, fd));
    }
    if (is_last) return;
    lock.lock();
  }
}

// WaitForRoom: true when a piece can be written; false: it is the end, and took too long.
bool LineWriter::WaitForRoom() {
  while (true) {
    const auto now = std::chrono::steady_clock::now();
    {
      std::lock_guard lock(mutex_);
      if (stopped_ && give_up_ == std::chrono::steady_clock::time_point{}) {
        give_up_ = now + kPatience;
      }
    }
    if (give_up_ != std::chrono::steady_clock::time_point{} && now > give_up_) return false;
    pollfd wait{fd_, POLLOUT, 0};
    if (poll(&wait, 1, kPollMs) > 0) return true;
  }
}

void LineWriter::WriteOut(std::string_view text) {
  while (!text.empty() && WaitForRoom()) {
    const ssize_t n = write(fd_, text.data(), std::min(text.size(), kPieceBytes));
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    // A full disk must not stop the proxy; the next lines try again.
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace salus::proxy
