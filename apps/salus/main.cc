#include <csignal>

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
  return static_cast<int>(session.Run());
}
