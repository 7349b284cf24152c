#include "proxy/access_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "codec/rfc3339.h"

namespace salus::proxy {
namespace {

constexpr std::size_t kMaxWaitingBytes = 4u << 20;
constexpr std::chrono::milliseconds kWriteInterval{200};

int OpenFile(const std::string& path) {
  if (path == "-") return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
  return open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
}

}  // namespace

Result<std::unique_ptr<AccessLog>> AccessLog::Open(const std::string& path) {
  const int fd = OpenFile(path);
  if (fd < 0) return Unavailable("access log " + path + ": " + std::strerror(errno));
  return std::unique_ptr<AccessLog>(new AccessLog(path, fd));
}

AccessLog::AccessLog(std::string path, int fd) : path_(std::move(path)), fd_(fd) {
  thread_ = std::thread([this] { Run(); });
}

AccessLog::~AccessLog() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  thread_.join();
  close(fd_);
}

void AccessLog::Add(const AccessLine& line) {
  const Timestamp now = clock_.Now();
  std::lock_guard lock(mutex_);
  if (waiting_.size() > kMaxWaitingBytes) {
    ++left_out_;
    return;
  }
  fmt::format_to(std::back_inserter(waiting_), "{} {} {} {} {:.3f} {}\n", codec::FormatRfc3339(now),
                 http::MethodName(line.method), line.status, line.body_bytes,
                 static_cast<double>(line.duration.count()) / 1e6, line.tls_version);
}

void AccessLog::Reopen() {
  std::lock_guard lock(mutex_);
  reopen_ = true;
}

void AccessLog::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    // In intervals, so that many lines are one write.
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

void AccessLog::WriteOut(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(fd_, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    // A full disk must not stop the proxy; the next lines try again.
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace salus::proxy
