// ArchiveReader unpacks an archive into a new folder.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "seal/output_file.h"
#include "seal/stream.h"

namespace salus::seal {

class FreshFolder;

// ArchiveReader unpacks what ArchiveWriter, or any tar, has packed: one folder.
//
// Source: POSIX.1-2001 pax and ustar, GNU tar, by libarchive; docs/formats/folder.md.
// Shape:  the archive's first entry is the folder that all others lie in; a folder stands before
//         its content. Its own name does not matter: the target's is taken.
// Errors: InvalidArgument, "entry N of the archive: ..." with the kind of what was refused and
// never
//         its name: a path that is absolute, leads upwards, through a link or a drive letter, is
//         too long or stands twice; a link out of the folder; a device, pipe or socket; a sparse
//         file; more than a million entries; a malformed archive.
class ArchiveReader {
 public:
  // Create makes a temporary folder beside target; it is removed with the reader unless Commit was
  // successful.
  //
  // Errors: AlreadyExists when something other than an empty folder is at target; NotFound when the
  // folder above is missing; Unavailable.
  static Result<std::unique_ptr<ArchiveReader>> Create(const std::string& target);
  ~ArchiveReader();

  // Unpack reads source to its end. Permission bits are taken as the umask lets them through,
  // without setuid, setgid and sticky bits; owners are not.
  //
  // Errors: those of source; ResourceExhausted, Unavailable.
  Result<void> Unpack(ByteSource& source);

  // Commit gives the folder its name: to be called when all that Unpack has read was authentic.
  //
  // Errors: AlreadyExists, ResourceExhausted, Unavailable.
  Result<void> Commit(OutputFile::Durability durability);

  std::uint64_t entry_count() const { return entry_count_; }

 private:
  explicit ArchiveReader(std::unique_ptr<FreshFolder> folder);

  std::unique_ptr<FreshFolder> folder_;
  std::uint64_t entry_count_ = 0;
};

}  // namespace salus::seal
