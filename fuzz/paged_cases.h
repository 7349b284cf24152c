// Files of pages as an input says, for the readers of runs.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <string>

#include "base/check.h"
#include "base/endian.h"
#include "storage/memory_file_system.h"
#include "storage/paged_file.h"

namespace salus::fuzz {

// EditFile flips bytes: 4 bytes an edit, the place and what to flip.
inline void EditFile(storage::MemoryFileSystem& fs, const std::string& path, ByteSpan edits) {
  Bytes content = fs.Content(path);
  for (; edits.size() >= 4; edits = edits.subspan(4)) {
    const std::size_t at = LoadBe<std::uint16_t>(edits.data()) % content.size();
    content[at] ^= edits[3];
  }
  fs.SetContent(path, content);
}

// WritePages makes a file with right hashes and any content: the first fields, then pages of up to
// 64 bytes. key_of is a page's key by its first byte.
inline void WritePages(storage::FileSystem& fs, const std::string& path,
                       const std::array<char, 8>& magic, std::size_t fields_filled, ByteSpan in,
                       const std::function<std::uint64_t(std::uint8_t)>& key_of) {
  std::array<std::uint64_t, 8> fields{};
  for (std::size_t i = 0; i < fields_filled && in.size() >= 2; ++i, in = in.subspan(2)) {
    fields[i] = LoadBe<std::uint16_t>(in.data());
  }
  storage::PagedFileWriter pages = storage::PagedFileWriter::Create(fs, path).value();
  for (std::size_t at = 0; at < in.size(); at += 64) {
    const ByteSpan page = in.subspan(at, std::min<std::size_t>(64, in.size() - at));
    CHECK(pages.AddPage(key_of(page[0]), page).has_value());
  }
  CHECK(pages.Finish(magic, fields).has_value());
}

}  // namespace salus::fuzz
