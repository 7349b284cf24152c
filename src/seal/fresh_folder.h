// FreshFolder is a folder that appears under its name only when it is whole. Not a public header.
#pragma once

#include <sys/stat.h>

#include <ctime>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "pki/descriptor.h"
#include "seal/archive_path.h"
#include "seal/output_file.h"
#include "seal/stream.h"

namespace salus::seal {

// FreshFolder is made under a temporary name beside its path, mode 0700. Whatever it makes in
// itself it reaches from its own descriptor, one name at a time, and never through a symbolic link,
// so that no link that it has made leads it out.
//
// Errors: InvalidArgument for paths that can't be made, worded as "its path ..." or "a hard link
// ...", and never with the path; ResourceExhausted, Unavailable.
class FreshFolder {
 public:
  struct Attributes {
    mode_t mode;
    timespec modified;
  };

  // Errors: AlreadyExists when something other than an empty folder is at path, before any work.
  static Result<std::unique_ptr<FreshFolder>> Create(const std::string& path);
  ~FreshFolder();
  FreshFolder(const FreshFolder&) = delete;
  FreshFolder& operator=(const FreshFolder&) = delete;

  // The root itself has an empty path. Attributes of folders are set by Commit: until then they
  // must stay writable.
  Result<void> MakeFolder(const ArchivePath& path, const Attributes& attributes);
  Result<void> MakeLink(const ArchivePath& path, const std::string& target, timespec modified);
  // MakeHardLink gives a file that this FreshFolder has made another name.
  Result<void> MakeHardLink(const ArchivePath& path, const ArchivePath& file);

  // NewFile is one that is being written.
  class NewFile final : public ByteSink {
   public:
    explicit NewFile(int file) : file_(file), sink_(file) {}
    Result<void> Write(ByteSpan bytes) override { return sink_.Write(bytes); }
    int descriptor() const { return file_.get(); }

   private:
    const pki::Descriptor file_;
    FileSink sink_;
  };
  Result<std::unique_ptr<NewFile>> MakeFile(const ArchivePath& path);
  Result<void> FinishFile(const NewFile& file, const Attributes& attributes) const;

  // Commit gives the folder its name, once. Errors: AlreadyExists when there is one by now.
  Result<void> Commit(OutputFile::Durability durability);

 private:
  FreshFolder(std::string path, std::string temporary, int folder, mode_t allowed);
  Result<int> OpenParent(const ArchivePath& path);
  Result<void> SetFolderAttributes();

  struct MadeFolder {
    std::string path;  // one string: of a million deep folders each name would cost more
    Attributes attributes;
  };
  const std::string path_;
  std::string temporary_;  // empty once it has its name
  const pki::Descriptor folder_;
  const mode_t allowed_;  // what the umask lets through
  std::vector<MadeFolder> folders_;
  bool are_folders_closed_ = false;
  ArchivePath parent_path_;
  std::unique_ptr<pki::Descriptor> parent_;  // the last one used
};

}  // namespace salus::seal
