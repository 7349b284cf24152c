#include "seal/archive_path.h"

#include <locale.h>

namespace salus::seal {

namespace {

// Calls visit with each name between the slashes of text.
template <typename Visit>
Result<void> ForEachName(std::string_view text, const Visit& visit) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('/'), text.size());
    const std::string_view name = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!name.empty() && name != ".") TRY_VOID(visit(name));
  }
  return {};
}

bool HasDriveLetter(std::string_view text) {
  const char letter = text.empty() ? '\0' : static_cast<char>(text[0] | 0x20);
  return text.size() >= 2 && text[1] == ':' && letter >= 'a' && letter <= 'z';
}

}  // namespace

Result<ArchivePath> ParseArchivePath(std::string_view text) {
  if (text.empty()) return InvalidArgument("its path is empty");
  if (text.find('\0') != std::string_view::npos) {
    return InvalidArgument("its path holds a zero byte");
  }
  if (text.starts_with('/')) return InvalidArgument("its path is absolute");
  if (HasDriveLetter(text)) return InvalidArgument("its path begins with a drive letter");
  if (text.size() > kMaxEntryPathBytes) return InvalidArgument("its path is too long");
  ArchivePath path;
  TRY_VOID(ForEachName(text, [&](std::string_view name) -> Result<void> {
    if (name == "..") return InvalidArgument("its path leads upwards, with ..");
    if (name.size() > kMaxEntryNameBytes) return InvalidArgument("its path has too long a name");
    path.emplace_back(name);
    return {};
  }));
  if (path.size() > kMaxEntryDepth) return InvalidArgument("its path is too deep");
  return path;
}

Result<void> CheckLinkTarget(std::string_view target, std::size_t depth) {
  if (target.empty()) return InvalidArgument("a symbolic link to nothing");
  if (target.starts_with('/')) return InvalidArgument("a symbolic link to an absolute path");
  if (target.size() > kMaxEntryPathBytes)
    return InvalidArgument("a symbolic link that is too long");
  bool is_down = false;
  return ForEachName(target, [&](std::string_view name) -> Result<void> {
    if (name != "..") {
      is_down = true;
      return {};
    }
    if (is_down) return InvalidArgument("a symbolic link that goes down, then up again with ..");
    if (depth == 0) return InvalidArgument("a symbolic link that leads out of the folder");
    --depth;
    return {};
  });
}

Utf8Locale::Utf8Locale()
    : own_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)),
      before_(own_ != nullptr ? ::uselocale(own_) : nullptr) {}

Utf8Locale::~Utf8Locale() {
  if (own_ == nullptr) return;
  ::uselocale(before_);
  ::freelocale(own_);
}

}  // namespace salus::seal
