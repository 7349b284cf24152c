// RunOpenssl runs the openssl program, the judge of what this module writes. Test code only.
#pragma once

#include <string>
#include <vector>

namespace salus::pki {

struct OpensslOutcome {
  int status = -1;
  std::string output;
};

// The outputs are standard output and error as they came.
OpensslOutcome RunOpenssl(std::vector<std::string> arguments);

}  // namespace salus::pki
