// ProxyHandover lets a new process take the listening sockets over from an old one, so that no
// connection is refused while the program is replaced.
//
// Shape: the new process gets SALUS_PROXY_LISTENERS (descriptor numbers, with commas) and
//        SALUS_PROXY_READY (a pipe, into which it writes one byte once it serves).
#pragma once

#include <signal.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace salus::cli {

// InheritedListeners are the sockets that an old process has left us, in the order of its places;
// empty: none.
// Errors: InvalidArgument: the variable is malformed.
Result<std::vector<int>> InheritedListeners();

// ReportReady tells the old process, if there is one, that it may go.
void ReportReady();

// ProgramImage is how this process was started, read before anything can change it.
class ProgramImage {
 public:
  static ProgramImage Read();

  // StartSuccessor starts the program that is now at the same path with the same arguments, and
  // waits until it serves. A SIGTERM or SIGINT of signals, which are blocked, ends the waiting and
  // stays pending. Errors: Unavailable: it did not start, or not in time.
  Result<void> StartSuccessor(const std::vector<int>& listeners, const sigset_t& signals) const;

 private:
  std::string path_;
  std::vector<std::string> arguments_;
};

}  // namespace salus::cli
