#include <csignal>
#include <cstdio>
#include <system_error>

#include "apps/salus/command_line.h"
#include "apps/salus/session.h"

int main(int argc, char** argv) {
  // A reader that went away (salus ... | head) is an error of the write, not the end of the
  // process.
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<salus::cli::Command> commands = salus::cli::AllCommands();
  salus::cli::ParsedLine line = salus::cli::ParseCommandLine(argc, argv, commands);
  if (line.command == nullptr) return static_cast<int>(line.exit);
  salus::cli::Session session(*line.command, std::move(line.arguments));
  try {
    return static_cast<int>(session.Run());
  } catch (const std::system_error& error) {
    // fmt throws when standard output can't be written to.
    std::fprintf(stderr, "salus: the output could not be written: %s\n",
                 error.code().message().c_str());
    return static_cast<int>(salus::cli::ExitCode::kFailed);
  }
}
