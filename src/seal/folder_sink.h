// FolderSink unpacks the archive that is written to it.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/result.h"
#include "seal/archive_reader.h"
#include "seal/output_file.h"
#include "seal/stream.h"

namespace salus::seal {

// FolderSink is an ArchiveReader for those who write: opening a sealed file pushes bytes, reading
// an archive pulls them. A thread of its own reads; nothing is buffered between the two.
//
// Threads: one writer at a time.
class FolderSink final : public ByteSink {
 public:
  // Errors: as ArchiveReader::Create.
  static Result<std::unique_ptr<FolderSink>> Create(const std::string& target);
  // Without Finish, everything unpacked is removed.
  ~FolderSink() override;

  // Errors: those of ArchiveReader::Unpack.
  Result<void> Write(ByteSpan bytes) override;

  // Finish is called once, when all was written and known to be authentic: the folder appears.
  //
  // Errors: those of ArchiveReader::Unpack and Commit.
  Result<void> Finish(OutputFile::Durability durability);

  std::uint64_t entry_count() const { return reader_->entry_count(); }

 private:
  // What the thread reads from.
  class Source final : public ByteSource {
   public:
    explicit Source(FolderSink& sink) : sink_(sink) {}
    Result<std::size_t> Read(MutableByteSpan out) override { return sink_.Take(out); }

   private:
    FolderSink& sink_;
  };
  enum class End { kOpen, kWhole, kAbandoned };

  explicit FolderSink(std::unique_ptr<ArchiveReader> reader);
  void Serve();
  Result<std::size_t> Take(MutableByteSpan out);
  void Close(End end);

  const std::unique_ptr<ArchiveReader> reader_;
  Source source_;

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  ByteSpan pending_;  // of a Write that waits
  End end_ = End::kOpen;
  std::optional<Result<void>> outcome_;  // of Unpack

  std::jthread thread_;
};

}  // namespace salus::seal
