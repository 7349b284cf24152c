// MemoryScan looks for byte strings in the writable memory of another process; test code only.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::integration {

// MemoryScan holds what is looked for, each with a name to say what was found.
class MemoryScan {
 public:
  // AddKey adds a key of 32 bytes as it stands, as base64url text, as lower-case hex, and as the
  // words of a hash state.
  void AddKey(const std::string& name, ByteSpan key);

  struct Hit {
    std::string name;
    std::string region;  // the line of /proc/PID/maps
  };
  // Errors: PermissionDenied when the system does not let this process read that one.
  Result<std::vector<Hit>> Run(pid_t process) const;

 private:
  struct Needle {
    std::string name;
    Bytes bytes;
  };
  void Search(ByteSpan memory, const std::string& region, std::vector<Hit>& hits) const;

  std::vector<Needle> needles_;
  std::vector<std::vector<std::size_t>> by_prefix_ = std::vector<std::vector<std::size_t>>(65'536);
};

}  // namespace salus::integration
