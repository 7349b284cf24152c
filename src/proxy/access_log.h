// AccessLog writes one line for each answer, on a thread of its own: a slow disk or pipe never
// holds up a connection.
//
// Source:  none.
// Shape:   "2026-11-20T09:30:00.000Z GET 200 1024 0.003 TLSv1.3\n": time, method, status, bytes of
//          the answer's body, seconds, TLS version. Never an address, a path, a query or a field.
// Threads: Add from any. When 4 MiB wait, lines are left out, and a line says how many.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"

namespace salus::proxy {

struct AccessLine {
  http::Method method = http::Method::kGet;
  int status = 0;
  std::uint64_t body_bytes = 0;
  std::chrono::microseconds duration{0};
  std::string_view tls_version;  // a constant; "-": plain
};

class AccessLog {
 public:
  // Open appends to a file (0600 when it is new), or to standard error ("-").
  // Errors: Unavailable: it can't be opened.
  static Result<std::unique_ptr<AccessLog>> Open(const std::string& path);
  ~AccessLog();

  void Add(const AccessLine& line);
  // Reopen goes on in a new file of the same name, after the old one was moved away.
  void Reopen();

 private:
  AccessLog(std::string path, int fd);
  void Run();
  void WriteOut(std::string_view text);

  const std::string path_;
  const SystemClock clock_;
  int fd_;  // the thread's
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string waiting_;         // guarded by mutex_
  std::uint64_t left_out_ = 0;  // guarded by mutex_
  bool reopen_ = false;         // guarded by mutex_
  bool stopped_ = false;        // guarded by mutex_
  std::thread thread_;
};

}  // namespace salus::proxy
