// LineWriter appends lines to a file or to standard error, on a thread of its own: a slow disk or a
// pipe that nobody reads holds up neither a connection nor the end of the process.
//
// Source:  none.
// Shape:   whole lines, each with its end. When 4 MiB wait, lines are left out, and a line says how
//          many.
// Threads: safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/result.h"

namespace salus::proxy {

class LineWriter {
 public:
  // Open appends to a file (0600 when it is new), or to standard error ("-").
  // Errors: Unavailable: it can't be opened.
  static Result<std::unique_ptr<LineWriter>> Open(const std::string& path);
  // The destructor waits for what is left to be written, but not for long.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  void Add(std::string_view line);
  // Reopen goes on in a new file of the same name, after the old one was moved away.
  void Reopen();

 private:
  LineWriter(std::string path, int fd);
  void Run();
  void WriteOut(std::string_view text);
  bool WaitForRoom();

  const std::string path_;
  int fd_;                                           // the thread's
  std::chrono::steady_clock::time_point give_up_{};  // the thread's
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string waiting_;         // guarded by mutex_
  std::uint64_t left_out_ = 0;  // guarded by mutex_
  bool reopen_ = false;         // guarded by mutex_
  bool stopped_ = false;        // guarded by mutex_
  std::thread thread_;
};

}  // namespace salus::proxy
