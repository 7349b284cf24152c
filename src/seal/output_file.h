// OutputFile is a file that appears under its name only when it is whole.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "pki/descriptor.h"
#include "seal/stream.h"

namespace salus::seal {

// OutputFile writes to a file without a name (or, where the file system can't, to a temporary one)
// in the folder of its path; Commit gives it the path. Whatever ends the program before that, a
// signal too, leaves nothing under that path.
//
// A path that names a pipe, a terminal or another device, and "-", which is the standard output,
// are written to directly: then what was written is out, and Commit only says that it was all. A
// symbolic link at the path is replaced, never followed.
//
// Threads:    one at a time; several OutputFiles may work in one folder.
// Durability: as of Commit with kEachFile; with kWholeBatch when the caller has synced.
class OutputFile final : public ByteSink {
 public:
  enum class Content {
    kSealed,  // for anybody: mode 0666 without the umask
    kOpened,  // for its owner: mode 0600
  };
  enum class IfExists { kRefuse, kReplace };
  enum class Durability { kEachFile, kWholeBatch };
  enum class Naming {
    kAtCommit,   // where the file system can, else kFromStart
    kFromStart,  // a temporary name, which a program that is killed leaves behind
  };
  struct Options {
    Content content = Content::kSealed;
    IfExists if_exists = IfExists::kRefuse;
    Durability durability = Durability::kEachFile;
    Naming naming = Naming::kAtCommit;
  };

  // Errors: AlreadyExists, before any work is done; InvalidArgument when the path names a folder;
  // NotFound when its folder is missing; ResourceExhausted, Unavailable.
  static Result<std::unique_ptr<OutputFile>> Create(const std::string& path,
                                                    const Options& options);
  ~OutputFile() override;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  Result<void> Write(ByteSpan bytes) override;

  // Commit is called once, when all is written and known to be authentic.
  //
  // Errors: AlreadyExists when somebody else has made the file meanwhile; ResourceExhausted,
  // Unavailable. After an error there is no file.
  Result<void> Commit();

  // is_direct: what is written can't be taken back.
  bool is_direct() const { return is_direct_; }
  bool is_terminal() const;

 private:
  OutputFile(std::string path, const Options& options, int folder, int file, bool is_direct);

  static Result<std::unique_ptr<OutputFile>> CreateDirect(const std::string& path,
                                                          const Options& options);
  Result<void> TakeName();
  Result<void> Link();
  Result<void> Replace();

  const std::string path_;
  const Options options_;
  const bool is_direct_;
  const pki::Descriptor folder_;
  const pki::Descriptor file_;
  FileSink sink_;
  std::string name_;            // the last part of the path
  std::string temporary_name_;  // empty while the file has no name
};

}  // namespace salus::seal
