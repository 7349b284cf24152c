// ArchiveWriter packs a folder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "seal/stream.h"

namespace salus::seal {

// ArchiveWriter writes a folder as one archive: the same bytes for the same folder, whoever packs
// it, on whatever machine.
//
// Source: POSIX.1-2001 pax interchange format, by libarchive; docs/formats/folder.md.
// Shape:  the folder first, then what is in it, each folder before its content, names in byte
//         order; all under the folder's own name. Regular files, folders and symbolic links;
//         permission bits and modification times; owner 0, no owner names, no extended attributes.
//         At most a million entries, 256 folders deep.
class ArchiveWriter {
 public:
  // Skipped is something in the folder that an archive should not hold.
  struct Skipped {
    std::string path;
    std::string reason;  // "a socket"
  };

  // folder is the path of one; a trailing slash may stand.
  explicit ArchiveWriter(std::string folder) : folder_(std::move(folder)) {}

  // Pack writes all of it, once.
  //
  // Errors: NotFound; InvalidArgument when it is no folder, or is too large or deep;
  // PermissionDenied or Unavailable when something in it can't be read, with its path;
  // FailedPrecondition when a file became shorter meanwhile; those of out.
  Result<void> Pack(ByteSink& out);

  // skipped is what the archive lacks: devices, pipes, sockets, and links out of the folder, which
  // ArchiveReader would refuse.
  const std::vector<Skipped>& skipped() const { return skipped_; }
  std::uint64_t entry_count() const { return entry_count_; }

 private:
  const std::string folder_;
  std::vector<Skipped> skipped_;
  std::uint64_t entry_count_ = 0;
};

}  // namespace salus::seal
