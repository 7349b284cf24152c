#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "apps/salus/command_line.h"
#include "apps/salus/session.h"

namespace {

using salus::cli::ExitCode;

// A descriptor that was closed is opened so that its use fails: a file opened later would get its
// number, and what is meant for the terminal.
void FillDescriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    const int got = ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    if (got < 0) std::_Exit(static_cast<int>(ExitCode::kFailed));
  }
}

// What the results could not be written to is an error, but hides nothing that was found.
ExitCode Finish(ExitCode code) {
  const bool is_written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (is_written || code != ExitCode::kDone) return code;
  std::fputs("salus: the output could not be written\n", stderr);
  return ExitCode::kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  FillDescriptors();
  // A reader that went away (salus ... | head) is an error of the write, not the end of the
  // process.
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<salus::cli::Command> commands = salus::cli::AllCommands();
  salus::cli::ParsedLine line = salus::cli::ParseCommandLine(argc, argv, commands);
  if (line.command == nullptr) return static_cast<int>(line.exit);
  salus::cli::Session session(*line.command, std::move(line.arguments));
  try {
    return static_cast<int>(Finish(session.Run()));
  } catch (const std::system_error& error) {
    // fmt throws when standard output can't be written to.
    std::fprintf(stderr, "salus: the output could not be written: %s\n",
                 error.code().message().c_str());
    return static_cast<int>(salus::cli::ExitCode::kFailed);
  }
}
