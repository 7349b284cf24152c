// RunProgram runs another program to its end, without a shell, and takes what it prints. Not a
// public header.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"

namespace salus::proxy {

struct ProgramOutcome {
  int exit_status = -1;  // -1: ended by a signal
  std::string output;    // standard output and error; of long ones the end
};

// RunProgram looks arguments[0] up in PATH. The program gets a process group of its own, so that it
// outlives neither stop nor timeout, and a Ctrl-C meant for us does not cut it off in the middle.
//
// Errors: NotFound when there is no such program; Unavailable when it was stopped, by stop or by
// timeout, or can't be started.
Result<ProgramOutcome> RunProgram(std::vector<std::string> arguments, std::chrono::seconds timeout,
                                  const std::stop_token& stop);

}  // namespace salus::proxy
