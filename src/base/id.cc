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

Result<void> CheckShownText(std::string_view member, std::string_view text) {
  const auto refused = [&](std::string_view why) {
    return InvalidArgument(std::string(member) + ": " + std::string(why));
  };
  if (text.size() > kMaxShownBytes) return refused("has at most 1,024 bytes");
  if (!IsValidUtf8(text)) return refused("must be valid UTF-8");
  const auto at = [&](std::size_t i) -> unsigned char {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_c1 = at(i) == 0xc2 && at(i + 1) >= 0x80 && at(i + 1) <= 0x9f;
    if (at(i) < 0x20 || at(i) == 0x7f || is_c1) return refused("can't contain control characters");
    if (at(i) != 0xe2) continue;
    const bool is_turned = (at(i + 1) == 0x80 && at(i + 2) >= 0xaa && at(i + 2) <= 0xae) ||
                           (at(i + 1) == 0x81 && at(i + 2) >= 0xa6 && at(i + 2) <= 0xa9);
    if (is_turned) return refused("can't contain characters that turn the direction of writing");
  }
  return {};
}

}  // namespace salus
