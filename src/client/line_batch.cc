#include "client/line_batch.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

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

LineBatchReader::LineBatchReader(EventInput input, const BatchLimits& limits)
    : input_(std::move(input)), limits_(limits), buffer_(kReadBytes) {}

bool LineBatchReader::IsReady() const {
  if (is_at_end_ || !input_.is_ready) return true;
  const auto left = ByteSpan(buffer_).subspan(begin_, end_ - begin_);
  return std::ranges::find(left, '\n') != left.end() || input_.is_ready();
}

Result<void> LineBatchReader::Fill() {
  begin_ = end_ = 0;
  TRY(const std::size_t size, input_.read(buffer_));
  if (size > buffer_.size()) {
    return Internal("the input says that it gave more than was asked for");
  }
  end_ = size;
  is_at_end_ = size == 0;
  return {};
}

// Moves one line behind text, if its end was read; else keeps what there is of it.
bool LineBatchReader::TakeLine(std::string& text) {
  const std::string_view rest = AsText(ByteSpan(buffer_).subspan(begin_, end_ - begin_));
  const std::size_t end = rest.find('\n');
  const std::size_t room = limits_.line_bytes - std::min(limits_.line_bytes, begun_.size());
  const std::string_view part = rest.substr(0, std::min(end, room));
  begin_ += end == rest.npos ? rest.size() : end + 1;
  if (end == rest.npos) {
    begun_ += part;
    if (!is_at_end_ || begun_.empty()) return false;
    text += begun_;
  } else {
    text += begun_;
    text += part;
  }
  begun_.clear();
  text += '\n';
  return true;
}

Result<std::optional<LineBatch>> LineBatchReader::Next() {
  LineBatch batch;
  batch.first_line = next_line_;
  while (batch.lines < limits_.lines && batch.text.size() < limits_.bytes) {
    if (TakeLine(batch.text)) {
      ++batch.lines;
      continue;
    }
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
