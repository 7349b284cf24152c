#include "base/id.h"

#include "base/utf8.h"

namespace salus {

Result<void> ValidateIdText(std::string_view text) {
  if (text.empty()) return InvalidArgument("an id can't be empty");
  if (text.size() > kMaxIdBytes) return InvalidArgument("an id has at most 128 bytes");
  if (!IsValidUtf8(text)) return InvalidArgument("an id must be valid UTF-8");
  for (unsigned char c : text) {
    if (c < 0x20 || c == 0x7f) return InvalidArgument("an id can't contain control characters");
  }
  return {};
}

}  // namespace salus
