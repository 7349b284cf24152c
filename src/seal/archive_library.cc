#include "seal/archive_library.h"

#include "base/check.h"
#include "base/late_library.h"

namespace salus::seal {

namespace {

ArchiveLibrary g_library;

bool Load() {
  LateLibrary library("libarchive.so.13");
#define SALUS_FIND(name) library.Find(#name, g_library.name);
  SALUS_ARCHIVE_FUNCTIONS(SALUS_FIND)
#undef SALUS_FIND
  return library.is_complete();
}

}  // namespace

Result<void> LoadArchiveLibrary() {
  static const bool is_loaded = Load();
  if (is_loaded) return {};
  return FailedPrecondition(
      "libarchive, which folders need, is not installed: apt install libarchive13");
}

const ArchiveLibrary& Libarchive() {
  CHECK(g_library.archive_write_set_format_pax != nullptr);
  return g_library;
}

}  // namespace salus::seal
