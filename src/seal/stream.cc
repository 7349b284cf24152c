#include "seal/stream.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace salus::seal {

namespace {

std::string Reason(int number) { return std::generic_category().message(number); }

}  // namespace

Result<std::size_t> MemorySource::Read(MutableByteSpan out) {
  const std::size_t size = std::min(out.size(), rest_.size());
  std::copy_n(rest_.begin(), size, out.begin());
  rest_ = rest_.subspan(size);
  return size;
}

Result<void> MemorySink::Write(ByteSpan bytes) {
  Append(bytes_, bytes);
  return {};
}

Result<std::size_t> FileSource::Read(MutableByteSpan out) {
  std::size_t size = 0;
  while (size < out.size()) {
    const ssize_t got = ::read(fd_, out.data() + size, out.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unavailable("the input can't be read: " + Reason(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  return size;
}

Result<void> FileSink::Write(ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) {
      return ResourceExhausted("the output can't be written: " + Reason(errno) +
                               "; free some space and run it again");
    }
    if (put < 0 && errno == EPIPE) return Unavailable("the reader of the output has gone away");
    if (put < 0) return Unavailable("the output can't be written: " + Reason(errno));
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

}  // namespace salus::seal
