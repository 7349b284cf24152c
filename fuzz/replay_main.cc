// Replays a corpus folder through one fuzz target: every seed as it is, cut short, and with flipped
// bits. The mutations are the same in every run.
//
// Prints "N passed, N failed, N skipped", counted in seeds; exits 1 when a seed breaks the target
// or when there is no seed.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

constexpr std::size_t kCutsPerSeed = 256;
constexpr std::size_t kFlipsPerSeed = 2048;

// What a signal handler needs to name the input that broke the target.
struct Progress {
  const char* seed = "none";
  const char* change = "as it is";
  std::size_t position = 0;
  std::size_t passed = 0;
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
};
Progress progress;

void SaveInput() {
  char name[256];
  std::snprintf(name, sizeof(name), "%s.failing_input", program_invocation_short_name);
  const int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0) return;
  [[maybe_unused]] const ssize_t written = write(file, progress.data, progress.size);
  close(file);
}

void ReportFailure() {
  char text[512];
  const int length =
      std::snprintf(text, sizeof(text),
                    "broken by seed %s, %s at %zu; input saved as ./%s.failing_input\n"
                    "%zu passed, 1 failed, 0 skipped\n",
                    progress.seed, progress.change, progress.position,
                    program_invocation_short_name, progress.passed);
  SaveInput();
  [[maybe_unused]] const ssize_t written =
      write(STDOUT_FILENO, text, static_cast<std::size_t>(std::max(length, 0)));
}

void OnSignal(int) {
  ReportFailure();
  _exit(1);
}

// RunCopy hands the target a heap copy of exact size, so that a sanitizer sees each read past it.
void RunCopy(const std::vector<std::uint8_t>& input, std::size_t size) {
  const auto copy = std::make_unique<std::uint8_t[]>(size);
  std::copy_n(input.begin(), size, copy.get());
  progress.data = copy.get();
  progress.size = size;
  LLVMFuzzerTestOneInput(copy.get(), size);
}

void RunCuts(const std::vector<std::uint8_t>& seed) {
  progress.change = "cut";
  const std::size_t step = std::max<std::size_t>(1, seed.size() / kCutsPerSeed);
  for (std::size_t size = 0; size < seed.size(); size += step) {
    progress.position = size;
    RunCopy(seed, size);
  }
}

void RunFlips(std::vector<std::uint8_t> seed) {
  progress.change = "bit flipped";
  const std::size_t bits = seed.size() * 8;
  // A step that is odd and no divisor of 8 visits every bit position of a byte in long seeds too.
  const std::size_t step = bits <= kFlipsPerSeed ? 1 : (bits / kFlipsPerSeed) | 1;
  for (std::size_t bit = 0; bit < bits; bit += step) {
    const auto mask = static_cast<std::uint8_t>(1u << (bit % 8));
    progress.position = bit;
    seed[bit / 8] ^= mask;
    RunCopy(seed, seed.size());
    seed[bit / 8] ^= mask;
  }
}

std::vector<std::filesystem::path> SeedsIn(const char* folder) {
  std::vector<std::filesystem::path> seeds;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.is_regular_file()) seeds.push_back(entry.path());
  }
  std::sort(seeds.begin(), seeds.end());
  return seeds;
}

std::vector<std::uint8_t> ReadWhole(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WatchForFailures() {
  std::signal(SIGABRT, OnSignal);
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(ReportFailure);
    return;
  }
  std::signal(SIGSEGV, OnSignal);
  std::signal(SIGFPE, OnSignal);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
    return 2;
  }
  const std::vector<std::filesystem::path> seeds = SeedsIn(argv[1]);
  if (seeds.empty()) {
    std::printf("no seeds in %s: a corpus must not be empty\n0 passed, 1 failed, 0 skipped\n",
                argv[1]);
    return 1;
  }
  WatchForFailures();
  for (const std::filesystem::path& path : seeds) {
    const std::string name = path.filename().string();
    const std::vector<std::uint8_t> seed = ReadWhole(path);
    progress.seed = name.c_str();
    progress.change = "as it is";
    progress.position = 0;
    RunCopy(seed, seed.size());
    RunCuts(seed);
    RunFlips(seed);
    ++progress.passed;
  }
  std::printf("%zu passed, 0 failed, 0 skipped\n", progress.passed);
  return 0;
}
