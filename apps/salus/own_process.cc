#include "apps/salus/own_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "pki/descriptor.h"

extern char** environ;  // NOLINT: POSIX names it

namespace salus::cli {

namespace {

constexpr char kProgram[] = "/proc/self/exe";
constexpr std::chrono::seconds kGrace{3};
constexpr int kPollMs = 10;

Result<pid_t> Spawn(std::vector<std::string> arguments, int input, const std::string& output_file,
                    const std::string& message_file) {
  std::vector<char*> argv;
  arguments.insert(arguments.begin(), "salus");
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output_file.c_str(), kFlags, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, message_file.c_str(), kFlags, 0600);
  pid_t child = -1;
  const int failed = ::posix_spawn(&child, kProgram, &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    return Unavailable(std::string("this program can't be started again: ") +
                       std::strerror(failed));
  }
  return child;
}

}  // namespace

Result<std::unique_ptr<OwnProcess>> OwnProcess::Start(const std::vector<std::string>& arguments,
                                                      const std::string& input,
                                                      const std::string& output_file,
                                                      const std::string& message_file) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Unavailable("there is no descriptor left for a pipe");
  const pki::Descriptor from(ends[0]);
  const pki::Descriptor to(ends[1]);
  // A pipe holds far more than what is ever given here.
  if (::write(to.get(), input.data(), input.size()) != static_cast<ssize_t>(input.size())) {
    return Unavailable("a pipe can't be written to");
  }
  TRY(const pid_t child, Spawn(arguments, from.get(), output_file, message_file));
  return std::unique_ptr<OwnProcess>(new OwnProcess(child));
}

OwnProcess::~OwnProcess() {
  if (Exit()) return;
  ::kill(pid_, SIGTERM);
  const auto until = std::chrono::steady_clock::now() + kGrace;
  while (!Exit() && std::chrono::steady_clock::now() < until) ::poll(nullptr, 0, kPollMs);
  if (exit_) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
}

std::optional<int> OwnProcess::Exit() {
  if (exit_) return exit_;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return exit_;
}

}  // namespace salus::cli
