// What a benchmark finds out, and how: one JSON line a figure on the standard output, for
// bench/report.py; what is going on, on the standard error.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace salus::bench {

// Figures writes what was measured in one section of the report.
class Figures {
 public:
  explicit Figures(std::string section) : section_(std::move(section)) {}
  void Add(std::string_view name, double value, std::string_view unit) const;

 private:
  const std::string section_;
};

// Progress says on the standard error what is going on.
void Progress(std::string_view text);

// OrDie ends the process with the error's message: a benchmark has nobody to hand it to.
[[noreturn]] void Die(std::string_view what, const Error& error);
void OrDie(std::string_view what, const Result<void>& result);
template <typename T>
T OrDie(std::string_view what, Result<T> result) {
  if (!result) Die(what, result.error());
  return *std::move(result);
}

// Latencies of many like operations.
class Latencies {
 public:
  void Add(double seconds) { seconds_.push_back(seconds); }
  // AddTo writes p50, p99 and p100 in milliseconds; nothing when there are none.
  void AddTo(const Figures& figures, const std::string& name);

 private:
  std::vector<double> seconds_;
};

double SecondsSince(std::chrono::steady_clock::time_point start);

// CpuSeconds of a process so far, its threads included.
double CpuSeconds(pid_t process);

// MemoryUse of a process, in KiB: now, and at its highest since ResetPeak or its start.
struct MemoryUse {
  std::uint64_t resident_kib = 0;
  std::uint64_t peak_kib = 0;
};
MemoryUse MemoryOf(pid_t process);
void ResetPeak();

// DiskBytes is what a directory takes on disk, everything in it included.
std::uint64_t DiskBytes(const std::string& directory);

}  // namespace salus::bench
