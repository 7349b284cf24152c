// libarchive, loaded when a folder is sealed or opened: it brings ICU, libxml2 and a second crypto
// library. Not a public header.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include "base/result.h"

// The functions that are used here, under their own names.
#define SALUS_ARCHIVE_FUNCTIONS(EACH)         \
  EACH(archive_entry_clear)                   \
  EACH(archive_entry_copy_pathname)           \
  EACH(archive_entry_copy_symlink)            \
  EACH(archive_entry_filetype)                \
  EACH(archive_entry_free)                    \
  EACH(archive_entry_hardlink)                \
  EACH(archive_entry_mtime)                   \
  EACH(archive_entry_mtime_is_set)            \
  EACH(archive_entry_mtime_nsec)              \
  EACH(archive_entry_new)                     \
  EACH(archive_entry_pathname)                \
  EACH(archive_entry_perm)                    \
  EACH(archive_entry_set_filetype)            \
  EACH(archive_entry_set_mtime)               \
  EACH(archive_entry_set_perm)                \
  EACH(archive_entry_set_size)                \
  EACH(archive_entry_size)                    \
  EACH(archive_entry_symlink)                 \
  EACH(archive_read_data_block)               \
  EACH(archive_read_free)                     \
  EACH(archive_read_new)                      \
  EACH(archive_read_next_header)              \
  EACH(archive_read_open)                     \
  EACH(archive_read_support_format_tar)       \
  EACH(archive_write_close)                   \
  EACH(archive_write_data)                    \
  EACH(archive_write_fail)                    \
  EACH(archive_write_free)                    \
  EACH(archive_write_header)                  \
  EACH(archive_write_new)                     \
  EACH(archive_write_open)                    \
  EACH(archive_write_set_bytes_in_last_block) \
  EACH(archive_write_set_bytes_per_block)     \
  EACH(archive_write_set_format_pax)

namespace salus::seal {

struct ArchiveLibrary {
#define SALUS_DECLARE(name) decltype(&::name) name = nullptr;
  SALUS_ARCHIVE_FUNCTIONS(SALUS_DECLARE)
#undef SALUS_DECLARE
};

// LoadArchiveLibrary loads it once. Threads: safe.
//
// Errors: FailedPrecondition when it is not installed.
Result<void> LoadArchiveLibrary();

// Libarchive is the library, after LoadArchiveLibrary.
const ArchiveLibrary& Libarchive();

}  // namespace salus::seal
