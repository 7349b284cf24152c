#include <csignal>

#include "apps/salus/command_line.h"
#include "apps/salus/session.h"

int main(int argc, char** argv) {
  using namespace salus;
  // A reader that went away (salus ... | head) is an error of the write, not the end of the
  // process.
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<cli::Command> commands = cli::AllCommands();
  cli::ParsedLine line = cli::ParseCommandLine(argc, argv, commands);
  if (line.command == nullptr) return static_cast<int>(line.exit);
  cli::Session session(*line.command, std::move(line.arguments));
  return static_cast<int>(session.Run());
}
