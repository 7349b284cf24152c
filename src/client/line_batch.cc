#include "client/line_batch.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace salus::client {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;

}  // namespace

EventInput FileInput(int descriptor) {
  EventInput input;
  input.read = [descriptor](MutableByteSpan buffer) -> Result<std::size_t> {
    while (true) {
      const ssize_t n = ::read(descriptor, buffer.data(), buffer.size());
      if (n >= 0) return static_cast<std::size_t>(n);
      if (errno == EINTR) continue;
      return Unavailable("can't read the events: " +
                         std::error_code(errno, std::generic_category()).message());
    }
  };
  input.is_ready = [descriptor] {
    pollfd what{.fd = descriptor, .events = POLLIN, .revents = 0};
    return ::poll(&what, 1, 0) != 0;  // an error is told by read
  };
  return input;
}

bool LineBatchReader::IsReady() const {
  if (is_at_end_ || !input_.is_ready) return true;
  return buffer_.find('\n', used_) != buffer_.npos || input_.is_ready();
}

Result<void> LineBatchReader::Fill() {
  buffer_.erase(0, used_);
  used_ = 0;
  const std::size_t size = buffer_.size();
  buffer_.resize(size + kReadBytes);
  Result<std::size_t> got =
      input_.read({reinterpret_cast<std::uint8_t*>(buffer_.data()) + size, kReadBytes});
  if (!got || *got > kReadBytes) {
    buffer_.resize(size);
    if (!got) return std::move(got).error();
    return Internal("the input says that it gave more than was asked for");
  }
  buffer_.resize(size + *got);
  if (*got == 0) is_at_end_ = true;
  return {};
}

// Moves one line from the buffer, if it holds a whole one, or all there is of a very long one.
bool LineBatchReader::TakeLine(LineBatch& batch) {
  std::string_view rest = std::string_view(buffer_).substr(used_);
  std::size_t end = rest.find('\n');
  if (is_cutting_) {
    used_ += end == rest.npos ? rest.size() : end + 1;
    is_cutting_ = end == rest.npos && !is_at_end_;
    rest = std::string_view(buffer_).substr(used_);
    end = rest.find('\n');
  }
  if (end == rest.npos) {
    if (rest.size() >= kMaxKeptLineBytes) {
      is_cutting_ = true;
    } else if (!is_at_end_ || rest.empty()) {
      return false;
    }
    end = rest.size();
  }
  used_ += std::min(end + 1, rest.size());
  batch.text += rest.substr(0, std::min(end, kMaxKeptLineBytes));
  batch.text += '\n';
  ++batch.lines;
  return true;
}

Result<std::optional<LineBatch>> LineBatchReader::Next() {
  LineBatch batch;
  batch.first_line = next_line_;
  while (batch.lines < max_lines_ && batch.text.size() < max_bytes_) {
    if (TakeLine(batch)) continue;
    if (is_at_end_) break;
    // What is there is sent before the input is waited for.
    if (batch.lines > 0 && input_.is_ready && !input_.is_ready()) break;
    TRY_VOID(Fill());
  }
  if (batch.lines == 0) return std::optional<LineBatch>();
  next_line_ += batch.lines;
  return std::optional<LineBatch>(std::move(batch));
}

}  // namespace salus::client
