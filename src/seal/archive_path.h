// ArchivePath is the name of an archive's entry after it was found safe. Not a public header.
#pragma once

#include <clocale>
#include <cstdint>
#include <locale>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace salus::seal {

inline constexpr std::uint64_t kMaxArchiveEntries = 1'000'000;
inline constexpr std::size_t kMaxEntryPathBytes = 4095;
inline constexpr std::size_t kMaxEntryNameBytes = 255;
inline constexpr std::size_t kMaxEntryDepth = 256;

// ArchivePath is the names from the archive's root down; "." and empty names are left out.
using ArchivePath = std::vector<std::string>;

// ParseArchivePath refuses whatever could lead out of the folder that is being unpacked.
//
// Errors: InvalidArgument with what is wrong, as "its path ...", and never the path.
Result<ArchivePath> ParseArchivePath(std::string_view text);

// CheckLinkTarget makes sure that a symbolic link, in a folder that lies depth below the root, can
// only lead to something below the root, whatever other such links stand on its way: it may go up
// as far as the root, then only down. Names between could be links themselves, so that going up
// after them would end elsewhere than it looks.
//
// Errors: InvalidArgument with what is wrong, as "a symbolic link ...".
Result<void> CheckLinkTarget(std::string_view target, std::size_t depth);

// Utf8Locale makes names UTF-8 for libarchive, in this thread, while it lives: libarchive asks the
// locale, and in "C" would mangle them.
class Utf8Locale {
 public:
  Utf8Locale();
  ~Utf8Locale();
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  locale_t own_;
  locale_t before_;
};

}  // namespace salus::seal
