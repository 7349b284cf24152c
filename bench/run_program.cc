#include "bench/run_program.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "base/check.h"
#include "bench/figures.h"

namespace salus::bench {

namespace {

[[noreturn]] void Become(const std::vector<std::string>& arguments,
                         const std::vector<std::string>& environment, int output) {
  std::vector<std::string> words = {"env"};
  words.insert(words.end(), environment.begin(), environment.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  dup2(output, STDOUT_FILENO);
  execv("/usr/bin/env", pointers.data());
  _exit(127);
}

}  // namespace

ProgramRun RunProgram(const std::vector<std::string>& arguments,
                      const std::vector<std::string>& environment) {
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  const auto start = std::chrono::steady_clock::now();
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) Become(arguments, environment, ends[1]);
  close(ends[1]);
  ProgramRun run;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t n = read(ends[0], buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    run.output.append(buffer.data(), static_cast<std::size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  run.seconds = SecondsSince(start);
  run.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return run;
}

}  // namespace salus::bench
