// Files with a key on each line, public or private ones. Internal to the module.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace salus::seal {

// Trimmed is text without the spaces and line feeds around it.
inline std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t start = text.find_first_not_of(kSpace);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(kSpace) - start + 1);
}

// ForEachKeyLine calls read for each line that is neither empty nor a comment (#), trimmed.
//
// Errors: those of read, with the number of the line in front; InvalidArgument for a line that is
// too long for any key.
template <typename Read>
Result<void> ForEachKeyLine(std::string_view content, const Read& read) {
  constexpr std::size_t kMaxLineBytes = 16'384;
  for (std::size_t number = 1; !content.empty(); ++number) {
    const std::size_t end = content.find('\n');
    const std::string_view line = Trimmed(content.substr(0, end));
    content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
    if (line.empty() || line.starts_with('#')) continue;
    Result<void> done = line.size() > kMaxLineBytes
                            ? Result<void>(InvalidArgument("it is too long for a key"))
                            : read(line);
    if (!done) return std::move(done).error().WithContext("line " + std::to_string(number));
  }
  return {};
}

}  // namespace salus::seal
