// TranscriptFile writes a session's transcript to a file as it grows.
//
// Source: aggregate/peer_transcript.h.
// Shape:  a new file, mode 0600; what stands there is whole items, but for a crash.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "pki/descriptor.h"

namespace salus::cli {

class TranscriptFile {
 public:
  TranscriptFile(TranscriptFile&&) = default;
  TranscriptFile& operator=(TranscriptFile&&) = delete;
  // The destructor takes an empty file away: it is evidence of nothing, and in the way of the next
  // try.
  ~TranscriptFile();

  // Open makes the file; an empty path: nothing is kept.
  //
  // Errors: AlreadyExists: evidence is not written over; NotFound for a folder that is not there;
  // Unavailable.
  static Result<TranscriptFile> Open(const std::string& path);

  // Follow appends what transcript has beyond the last call's.
  //
  // Errors: ResourceExhausted when the disk is full; Unavailable.
  Result<void> Follow(ByteSpan transcript);

 private:
  explicit TranscriptFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
  std::unique_ptr<pki::Descriptor> file_;
  std::size_t written_ = 0;
};

}  // namespace salus::cli
