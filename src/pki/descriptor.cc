#include "pki/descriptor.h"

#include <cerrno>
#include <cstring>
#include <string>

namespace salus::pki {

Error FileError(std::string_view doing, int code) {
  std::string message = "can't " + std::string(doing) + ": " + std::strerror(code);
  switch (code) {
    case ENOENT:
      return NotFound(std::move(message));
    case EEXIST:
      return AlreadyExists(std::move(message));
    case ENOSPC:
    case EDQUOT:
      return ResourceExhausted(std::move(message));
    default:
      return Unavailable(std::move(message));
  }
}

}  // namespace salus::pki
