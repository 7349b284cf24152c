#include "proxy/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "pki/descriptor.h"

extern char** environ;

namespace salus::proxy {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kMaxOutputBytes = 256 * 1024;
constexpr int kPollMs = 100;
constexpr std::chrono::seconds kGrace{3};

Result<pid_t> Spawn(const std::vector<char*>& argv, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_adddup2(&actions, output, 2);
  sigset_t none;
  sigset_t standard;
  sigemptyset(&none);
  sigemptyset(&standard);
  for (const int signal : {SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD}) {
    sigaddset(&standard, signal);
  }
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &standard);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  pid_t child = -1;
  const int failure = ::posix_spawnp(&child, argv[0], &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failure == ENOENT) return NotFound("there is no such program");
  if (failure != 0) return Unavailable(std::string("can't be started: ") + std::strerror(failure));
  return child;
}

// Takes what is there; false at the end of the output.
bool TakeOutput(int from, std::string& output) {
  char block[8192];
  const ssize_t size = ::read(from, block, sizeof block);
  if (size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN)) return false;
  if (size > 0) output.append(block, static_cast<std::size_t>(size));
  if (output.size() > 2 * kMaxOutputBytes) output.erase(0, output.size() - kMaxOutputBytes);
  return true;
}

// Reaps the child, with a signal that can't be refused once the grace is over.
int Reap(pid_t child) {
  const auto until = steady_clock::now() + kGrace;
  int status = 0;
  pid_t reaped = 0;
  while ((reaped = ::waitpid(child, &status, WNOHANG)) == 0 && steady_clock::now() < until) {
    ::poll(nullptr, 0, 10);
  }
  if (reaped == 0) {
    ::kill(-child, SIGKILL);
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

Result<ProgramOutcome> RunProgram(std::vector<std::string> arguments, std::chrono::seconds timeout,
                                  const std::stop_token& stop) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Unavailable("there is no descriptor left for a pipe");
  const pki::Descriptor from(ends[0]);
  pid_t child = -1;
  {
    const pki::Descriptor to(ends[1]);
    TRY(child, Spawn(argv, to.get()));
  }
  ProgramOutcome outcome;
  const auto until = steady_clock::now() + timeout;
  bool is_cut = false;
  for (bool is_open = true; is_open;) {
    if (stop.stop_requested() || steady_clock::now() >= until) {
      is_cut = true;
      ::kill(-child, SIGTERM);
      break;
    }
    pollfd ready{from.get(), POLLIN, 0};
    if (::poll(&ready, 1, kPollMs) > 0) is_open = TakeOutput(from.get(), outcome.output);
  }
  outcome.exit_status = Reap(child);
  if (is_cut) {
    return Unavailable(stop.stop_requested() ? "was stopped, because we stop"
                                             : "did not end in time, and was stopped");
  }
  return outcome;
}

}  // namespace salus::proxy
