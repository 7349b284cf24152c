// AccessLog writes one line for each answer, on a thread of its own: a slow disk or pipe never
// holds up a connection.
//
// Source:  none.
// Shape:   "2026-11-20T09:30:00.000Z GET 200 1024 0.003 TLSv1.3\n": time, method, status, bytes of
//          the answer's body, seconds, TLS version. Never an address, a path, a query or a field.
// Threads: Add from any. LineWriter bounds what waits.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"
#include "proxy/line_writer.h"

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

  void Add(const AccessLine& line);
  // Reopen goes on in a new file of the same name, after the old one was moved away.
  void Reopen() { writer_->Reopen(); }

 private:
  explicit AccessLog(std::unique_ptr<LineWriter> writer) : writer_(std::move(writer)) {}

  const SystemClock clock_;
  const std::unique_ptr<LineWriter> writer_;
};

}  // namespace salus::proxy
