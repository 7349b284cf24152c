// archive_tool pack FOLDER > ARCHIVE, archive_tool unpack FOLDER < ARCHIVE: the archives of sealed
// folders without the seal, for tests that have other programs as judges.
#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "seal/archive_reader.h"
#include "seal/archive_writer.h"

namespace {

salus::Result<void> Unpack(const char* folder) {
  TRY(const auto reader, salus::seal::ArchiveReader::Create(folder));
  salus::seal::FileSource source(STDIN_FILENO);
  TRY_VOID(reader->Unpack(source));
  return reader->Commit(salus::seal::OutputFile::Durability::kWholeBatch);
}

salus::Result<void> Pack(const char* folder) {
  salus::seal::ArchiveWriter writer(folder);
  salus::seal::FileSink sink(STDOUT_FILENO);
  return writer.Pack(sink);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view verb = argc == 3 ? argv[1] : "";
  if (verb != "pack" && verb != "unpack") return 2;
  const salus::Result<void> done = verb == "pack" ? Pack(argv[2]) : Unpack(argv[2]);
  if (done.has_value()) return 0;
  std::fprintf(stderr, "archive_tool: %s\n", done.error().message.c_str());
  return 1;
}
