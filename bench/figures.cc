#include "bench/figures.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/check.h"

namespace salus::bench {

void Figures::Add(std::string_view name, double value, std::string_view unit) const {
  fmt::print("{{\"section\":\"{}\",\"name\":\"{}\",\"value\":{:.6g},\"unit\":\"{}\"}}\n", section_,
             name, value, unit);
  std::fflush(stdout);
}

void Progress(std::string_view text) { fmt::print(stderr, "  {}\n", text); }

void Die(std::string_view what, const Error& error) {
  fmt::print(stderr, "{}: {}: {}\n", what, CodeName(error.code), error.message);
  std::exit(1);
}

void OrDie(std::string_view what, const Result<void>& result) {
  if (!result) Die(what, result.error());
}

void Latencies::AddTo(const Figures& figures, const std::string& name) {
  if (seconds_.empty()) return;
  std::sort(seconds_.begin(), seconds_.end());
  for (const auto& [label, share] : {std::pair("p50", 0.50), {"p99", 0.99}, {"max", 1.0}}) {
    const auto rank =
        static_cast<std::size_t>(std::ceil(share * static_cast<double>(seconds_.size())));
    figures.Add(name + ", " + label, seconds_[std::max<std::size_t>(rank, 1) - 1] * 1000, "ms");
  }
}

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double CpuSeconds(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::stringstream text;
  text << file.rdbuf();
  // The fields after the name, which stands in brackets and may hold anything.
  const std::string stat = text.str();
  const std::size_t end_of_name = stat.rfind(')');
  CHECK(end_of_name != std::string::npos);
  std::istringstream fields(stat.substr(end_of_name + 1));
  std::string field;
  constexpr int kBeforeUserTime = 11;
  for (int i = 0; i < kBeforeUserTime; ++i) fields >> field;
  double user_ticks = 0;
  double system_ticks = 0;
  fields >> user_ticks >> system_ticks;
  return (user_ticks + system_ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

MemoryUse MemoryOf(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/status", process));
  MemoryUse use;
  std::string word;
  while (file >> word) {
    if (word == "VmRSS:") file >> use.resident_kib;
    if (word == "VmHWM:") file >> use.peak_kib;
  }
  return use;
}

void ResetPeak() { std::ofstream("/proc/self/clear_refs") << "5"; }

std::uint64_t DiskBytes(const std::string& directory) {
  constexpr std::uint64_t kBlockBytes = 512;  // of st_blocks, whatever the file system
  std::uint64_t bytes = 0;
  for (const auto& item : std::filesystem::recursive_directory_iterator(directory)) {
    struct stat status{};
    // A file may be replaced while the directory is read.
    if (lstat(item.path().c_str(), &status) != 0) continue;
    bytes += static_cast<std::uint64_t>(status.st_blocks) * kBlockBytes;
  }
  return bytes;
}

}  // namespace salus::bench
