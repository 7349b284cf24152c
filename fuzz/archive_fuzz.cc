// Whatever an archive holds, nothing appears outside of its folder; and what unpacks can be packed
// again, with nothing left out, to an archive that unpacks to the same.
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "base/check.h"
#include "base/test_folder.h"
#include "seal/archive_reader.h"
#include "seal/archive_writer.h"

namespace {

namespace fs = std::filesystem;

using salus::Bytes;
using salus::ByteSpan;
using salus::ErrorCode;

bool Unpack(ByteSpan archive, const fs::path& target) {
  auto reader = salus::seal::ArchiveReader::Create(target);
  CHECK(reader.has_value());
  salus::seal::MemorySource source(archive);
  if (!(*reader)->Unpack(source).has_value()) return false;
  return (*reader)->Commit(salus::seal::OutputFile::Durability::kWholeBatch).has_value();
}

// Nothing where the caller may not read all of it.
Bytes Pack(const fs::path& folder) {
  salus::seal::ArchiveWriter writer(folder);
  salus::seal::MemorySink sink;
  const auto packed = writer.Pack(sink);
  if (!packed.has_value()) {
    CHECK(packed.error().code == ErrorCode::kPermissionDenied);
    return {};
  }
  CHECK(writer.skipped().empty());
  return sink.bytes();
}

// Memory, where there is a file system of it: thousands of folders are made and removed.
const bool is_in_memory = fs::is_directory("/dev/shm") && ::setenv("TMPDIR", "/dev/shm", 1) == 0;

void MakeRemovable(const fs::path& folder) {
  ::chmod(folder.c_str(), 0700);
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_symlink() && entry.is_directory()) MakeRemovable(entry.path());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  CHECK(is_in_memory || !fs::is_directory("/dev/shm"));
  const salus::TestFolder place;
  fs::create_directory(place / "1");
  fs::create_directory(place / "2");
  const bool is_unpacked = Unpack({data, size}, place / "1/same");
  for (const auto& entry : fs::directory_iterator(place / "1")) {
    CHECK(is_unpacked && entry.path() == place / "1/same");
  }
  if (!is_unpacked) return 0;
  const Bytes first = Pack(place / "1/same");
  if (!first.empty()) {
    CHECK(Unpack(first, place / "2/same"));
    CHECK(Pack(place / "2/same") == first);
  }
  MakeRemovable(place.path());
  return 0;
}
