// workload --events N --patients P --seed S: writes workload W to the standard output.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "bench/options.h"
#include "bench/workload.h"

int main(int argc, char** argv) {
  const salus::bench::Options options(
      argc, argv, {{"events", "10000000"}, {"patients", "20000"}, {"seed", "1"}});
  constexpr std::uint64_t kEventsPerWrite = 1000;
  constexpr int kPipeBytes = 1 << 20;
  fcntl(STDOUT_FILENO, F_SETPIPE_SZ, kPipeBytes);  // a file has no such size, which is no error
  salus::bench::Workload workload(options.Number("seed"),
                                  static_cast<std::uint32_t>(options.Number("patients")));
  std::string lines;
  for (std::uint64_t left = options.Number("events"); left > 0;) {
    const std::uint64_t count = std::min(left, kEventsPerWrite);
    lines.clear();
    workload.Append(count, lines);
    left -= count;
    for (std::size_t at = 0; at < lines.size();) {
      const ssize_t n = write(STDOUT_FILENO, lines.data() + at, lines.size() - at);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        if (errno != EPIPE) std::perror("workload");
        return 1;
      }
      at += static_cast<std::size_t>(n);
    }
  }
  return 0;
}
