// FormatExample reads a worked example from a page of docs/formats: for the tests of every module.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "base/check.h"

namespace salus {

// The lines of the block behind `<!-- example NAME -->` of the page at path.
inline std::vector<std::string> FormatExample(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  std::string line;
  while (std::getline(file, line) && line != "<!-- example " + name + " -->") continue;
  std::getline(file, line);
  while (std::getline(file, line) && line != "```") lines.push_back(line);
  CHECK(!lines.empty());
  return lines;
}

}  // namespace salus
