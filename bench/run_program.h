// RunProgram runs another program to its end.
#pragma once

#include <string>
#include <vector>

namespace salus::bench {

struct ProgramRun {
  int exit_code = 0;
  double seconds = 0;
  std::string output;  // its standard output; its standard error is ours
};

// environment holds NAME=VALUE strings that are added to, or replace, those of this process.
ProgramRun RunProgram(const std::vector<std::string>& arguments,
                      const std::vector<std::string>& environment);

}  // namespace salus::bench
