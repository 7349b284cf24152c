#include "seal/repeatable_source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace salus::seal {

Result<HeldSource> HeldSource::ReadAll(ByteSource& from) {
  constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
  Bytes bytes;
  for (;;) {
    const std::size_t before = bytes.size();
    bytes.resize(before + kPieceBytes);
    TRY(const std::size_t got, from.Read(MutableByteSpan(bytes).subspan(before)));
    bytes.resize(before + got);
    if (bytes.size() > kLimitBytes) {
      return ResourceExhausted(
          "this format has its tag in front, so that a pipe has to be held in memory, and this one "
          "brings more than 64 MiB; name the file instead");
    }
    if (got < kPieceBytes) return HeldSource(std::move(bytes));
  }
}

Result<std::size_t> HeldSource::Read(MutableByteSpan out) {
  const std::size_t size = std::min(out.size(), bytes_.size() - at_);
  std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), size, out.begin());
  at_ += size;
  return size;
}

Result<std::size_t> RegularFileSource::Read(MutableByteSpan out) {
  std::size_t size = 0;
  while (size < out.size()) {
    const ssize_t got = ::pread(fd_, out.data() + size, out.size() - size, static_cast<off_t>(at_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return Unavailable("the input can't be read: " + std::generic_category().message(errno));
    }
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
    at_ += static_cast<std::uint64_t>(got);
  }
  return size;
}

}  // namespace salus::seal
