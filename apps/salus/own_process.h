// OwnProcess is this program, started once more with other arguments, beside the one that runs.
//
// Shape: what it writes goes to two files; what it reads is given at the start.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace salus::cli {

class OwnProcess {
 public:
  // Start runs `salus ARGUMENTS...`.
  //
  // Errors: Unavailable when the system refuses.
  static Result<std::unique_ptr<OwnProcess>> Start(const std::vector<std::string>& arguments,
                                                   const std::string& input,
                                                   const std::string& output_file,
                                                   const std::string& message_file);
  // The destructor ends a process that still runs, and waits for it.
  ~OwnProcess();
  OwnProcess(const OwnProcess&) = delete;
  OwnProcess& operator=(const OwnProcess&) = delete;

  pid_t pid() const { return pid_; }
  // Exit is the exit code, minus the signal that ended it, or nothing while it runs.
  std::optional<int> Exit();

 private:
  explicit OwnProcess(pid_t pid) : pid_(pid) {}
  const pid_t pid_;
  std::optional<int> exit_;
};

}  // namespace salus::cli
