#include "apps/salus/transcript_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace salus::cli {

Result<TranscriptFile> TranscriptFile::Open(const std::string& path) {
  TranscriptFile out(path);
  if (path.empty()) return out;
  out.file_ = std::make_unique<pki::Descriptor>(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (out.file_->is_open()) return out;
  if (errno == EEXIST) {
    return AlreadyExists(path +
                         ": is there already, and a transcript is evidence: name a new file");
  }
  return pki::FileError(path, errno);
}

TranscriptFile::~TranscriptFile() {
  if (file_ != nullptr && file_->is_open() && written_ == 0) ::unlink(path_.c_str());
}

Result<void> TranscriptFile::Follow(ByteSpan transcript) {
  if (file_ == nullptr) return {};
  while (written_ < transcript.size()) {
    const ByteSpan rest = transcript.subspan(written_);
    const ssize_t written = ::write(file_->get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return pki::FileError(path_, errno);
    written_ += static_cast<std::size_t>(written);
  }
  return {};
}

}  // namespace salus::cli
