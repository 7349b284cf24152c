#include "seal/buffered_source.h"

#include <algorithm>

#include "base/check.h"

namespace salus::seal {

Result<void> BufferedSource::Fill(std::size_t size) {
  CHECK(size <= buffer_.size());
  if (end_ - begin_ >= size) return {};
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
            buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
  end_ -= begin_;
  begin_ = 0;
  TRY(const std::size_t got, source_.Read(MutableByteSpan(buffer_).subspan(end_)));
  end_ += got;
  return {};
}

Result<ByteSpan> BufferedSource::Peek(std::size_t size) {
  TRY_VOID(Fill(size));
  return ByteSpan(buffer_).subspan(begin_, std::min(size, end_ - begin_));
}

Result<std::string_view> BufferedSource::ReadLine(std::size_t limit) {
  TRY(const ByteSpan ahead, Peek(std::min(limit + 1, buffer_.size())));
  const std::string_view text = AsText(ahead);
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) {
    return VerificationFailed(text.size() > limit ? "a line is longer than the format allows"
                                                  : "the file ends in the middle of a line");
  }
  begin_ += end + 1;
  return text.substr(0, end);
}

Result<std::size_t> BufferedSource::Read(MutableByteSpan out) {
  const std::size_t size = std::min(out.size(), end_ - begin_);
  std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), size, out.begin());
  begin_ += size;
  if (size == out.size()) return size;
  TRY(const std::size_t more, source_.Read(out.subspan(size)));
  return size + more;
}

}  // namespace salus::seal
