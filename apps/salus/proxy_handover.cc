#include "apps/salus/proxy_handover.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>

extern char** environ;  // NOLINT: POSIX names it

namespace salus::cli {
namespace {

constexpr char kListeners[] = "SALUS_PROXY_LISTENERS";
constexpr char kReady[] = "SALUS_PROXY_READY";
constexpr std::chrono::milliseconds kStartTimeout{30'000};
constexpr std::chrono::milliseconds kEndPoll{10};
constexpr int kEndPolls = 200;

Result<std::vector<int>> ParseDescriptors(std::string_view text) {
  std::vector<int> out;
  while (!text.empty()) {
    int fd = -1;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), fd);
    if (failed != std::errc() || fd <= STDERR_FILENO) {
      return InvalidArgument(std::string(kListeners) + " is malformed: unset it");
    }
    out.push_back(fd);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.starts_with(',')) text.remove_prefix(1);
  }
  return out;
}

// What is ours to tell the new process replaces what the old one was told.
std::vector<std::string> EnvironmentFor(const std::vector<int>& listeners, int ready) {
  std::vector<std::string> out;
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string_view text(*one);
    if (text.starts_with(std::string(kListeners) + "=")) continue;
    if (text.starts_with(std::string(kReady) + "=")) continue;
    out.emplace_back(text);
  }
  out.push_back(fmt::format("{}={}", kListeners, fmt::join(listeners, ",")));
  out.push_back(fmt::format("{}={}", kReady, ready));
  return out;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// WaitForByte: true when one came, false at the end of the pipe or of the time, or when one of the
// signals that end us is pending.
bool WaitForByte(int fd, int end_signals) {
  std::array<pollfd, 2> wait{{{fd, POLLIN, 0}, {end_signals, POLLIN, 0}}};
  const int timeout = static_cast<int>(kStartTimeout.count());
  char byte = 0;
  // A descriptor of -1 is passed over.
  return poll(wait.data(), wait.size(), timeout) > 0 && wait[0].revents != 0 &&
         read(fd, &byte, 1) == 1;
}

// EndChild asks first, and does not wait for long.
void EndChild(pid_t child) {
  kill(child, SIGTERM);
  for (int i = 0; i < kEndPolls; ++i) {
    if (waitpid(child, nullptr, WNOHANG) != 0) return;
    std::this_thread::sleep_for(kEndPoll);
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

class SpawnSettings {
 public:
  SpawnSettings(const std::vector<int>& kept) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    // To the same number: that is what takes the close-on-exec flag off in the child.
    for (const int fd : kept) posix_spawn_file_actions_adddup2(&actions_, fd, fd);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

Result<std::vector<int>> InheritedListeners() {
  const char* text = std::getenv(kListeners);
  if (text == nullptr) return std::vector<int>();
  return ParseDescriptors(text);
}

void ReportReady() {
  const char* text = std::getenv(kReady);
  if (text == nullptr) return;
  const Result<std::vector<int>> fds = ParseDescriptors(text);
  if (!fds || fds->size() != 1) return;
  // Nobody is left to be told where this fails.
  [[maybe_unused]] const ssize_t written = write(fds->front(), "1", 1);
  close(fds->front());
  unsetenv(kReady);
  unsetenv(kListeners);
}

ProgramImage ProgramImage::Read() {
  ProgramImage out;
  std::array<char, 4096> path{};
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size() - 1);
  if (size > 0) out.path_.assign(path.data(), static_cast<std::size_t>(size));
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string argument;
  while (std::getline(file, argument, '\0')) out.arguments_.push_back(argument);
  return out;
}

Result<void> ProgramImage::StartSuccessor(const std::vector<int>& listeners,
                                          const sigset_t& signals) const {
  std::array<int, 2> ready{-1, -1};
  if (pipe2(ready.data(), O_CLOEXEC) != 0) {
    return Unavailable(std::string("no pipe: ") + std::strerror(errno));
  }
  std::vector<int> kept = listeners;
  kept.push_back(ready[1]);
  const SpawnSettings settings(kept);
  std::vector<std::string> arguments = arguments_;
  std::vector<std::string> environment = EnvironmentFor(listeners, ready[1]);
  pid_t child = -1;
  const int failed = posix_spawn(&child, path_.c_str(), settings.actions(), settings.attributes(),
                                 Pointers(arguments).data(), Pointers(environment).data());
  close(ready[1]);
  sigset_t ending = signals;
  sigdelset(&ending, SIGHUP);
  sigdelset(&ending, SIGUSR2);
  const int end_signals = signalfd(-1, &ending, SFD_CLOEXEC);
  const bool serves = failed == 0 && WaitForByte(ready[0], end_signals);
  close(ready[0]);
  if (end_signals >= 0) close(end_signals);
  if (serves) return {};
  if (failed != 0) return Unavailable(path_ + ": " + std::strerror(failed));
  EndChild(child);
  return Unavailable("the new process did not start; this one goes on");
}

}  // namespace salus::cli
