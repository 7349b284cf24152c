#pragma once

#include <optional>
#include <vector>

#include "apps/salus/command.h"

namespace salus::cli {

// ParsedLine is the command that was called, or the exit code where help was shown or usage was
// wrong.
struct ParsedLine {
  const Command* command = nullptr;
  Arguments arguments;
  ExitCode exit = ExitCode::kDone;
};

// ParseCommandLine prints help to stdout and usage errors to stderr itself. CLI11 is in its .cc
// only.
ParsedLine ParseCommandLine(int argc, char** argv, const std::vector<Command>& commands);

}  // namespace salus::cli
