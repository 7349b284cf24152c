// disk_probe --directory D: what the disk itself can do, beside which the other figures are read.
// Writes are positional, each followed by fdatasync, as the log's commits are.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/check.h"
#include "bench/figures.h"
#include "bench/options.h"

namespace {

using salus::bench::Figures;
using salus::bench::Latencies;
using salus::bench::SecondsSince;
using SteadyClock = std::chrono::steady_clock;

void Write(int file, std::uint64_t offset, const std::string& bytes) {
  const ssize_t n = pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
  CHECK(n == static_cast<ssize_t>(bytes.size()));
}

struct Probe {
  const std::string& path;
  const Figures& figures;
  std::chrono::seconds time;

  void Run(const std::string& name, std::size_t write_bytes, std::uint64_t file_bytes,
           bool is_preallocated) const {
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(file >= 0);
    const std::string bytes(write_bytes, 'x');
    if (is_preallocated) {
      // Written once: blocks that were only reserved are slower the first time.
      const std::string block(1 << 20, 'y');
      for (std::uint64_t at = 0; at < file_bytes; at += block.size()) Write(file, at, block);
      CHECK(fdatasync(file) == 0);
    }
    Latencies latencies;
    std::uint64_t writes = 0;
    const auto start = SteadyClock::now();
    while (SteadyClock::now() - start < time) {
      const auto begin = SteadyClock::now();
      const std::uint64_t at = writes++ * write_bytes;
      Write(file, is_preallocated ? at % file_bytes : at, bytes);
      CHECK(fdatasync(file) == 0);
      latencies.Add(SecondsSince(begin));
    }
    const double per_second = static_cast<double>(writes) / SecondsSince(start);
    figures.Add(name, per_second, "/s");
    figures.Add(name + ", throughput", per_second * static_cast<double>(write_bytes) / 1e6, "MB/s");
    latencies.AddTo(figures, name);
    close(file);
    unlink(path.c_str());
  }
};

}  // namespace

int main(int argc, char** argv) {
  const salus::bench::Options options(argc, argv, {{"directory", "."}, {"seconds", "2"}});
  const std::string path = options.Text("directory") + "/disk_probe.tmp";
  const Figures figures("disk");
  const Probe probe{path, figures,
                    std::chrono::seconds(static_cast<std::int64_t>(options.Number("seconds")))};
  constexpr std::uint64_t kFileBytes = 256 << 20;
  probe.Run("1 MiB + fdatasync, preallocated", 1 << 20, kFileBytes, true);
  probe.Run("4 KiB + fdatasync, preallocated", 4096, kFileBytes, true);
  probe.Run("4 KiB + fdatasync, extending", 4096, kFileBytes, false);
  return 0;
}
