// RunProgram runs another program that a test takes as its judge: for the tests of every module.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/check.h"

namespace salus {

struct ProgramOutcome {
  int status = -1;     // the exit code; -1 when it did not run or was killed
  std::string output;  // both streams
};

// The first of arguments is the program, found in PATH; its standard input is empty.
inline ProgramOutcome RunProgram(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  int ends[2];
  CHECK(::pipe(ends) == 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  pid_t child = -1;
  const int failure = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  ProgramOutcome out;
  char block[4096];
  for (ssize_t n = 0; failure == 0 && (n = ::read(ends[0], block, sizeof block)) > 0;) {
    out.output.append(block, static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  if (failure == 0) {
    int status = 0;
    ::waitpid(child, &status, 0);
    out.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  return out;
}

// RunOpenssl is RunProgram with the openssl program.
inline ProgramOutcome RunOpenssl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "openssl");
  return RunProgram(std::move(arguments));
}

}  // namespace salus
