// Options is what salusd is told on its command line.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace salus {

struct Options {
  std::string directory;  // the data directory
  std::string config;     // the configuration's file; empty: salus.toml in the directory
  std::string spool;      // folder of the file exchange; empty: as salus.toml says
};

// ParseOptions reads the command line. When it wants help or the version, or is wrong, the text is
// printed and exit_code is set.
std::optional<Options> ParseOptions(int argc, char** argv, int& exit_code);

}  // namespace salus
