#include "http/exchange.h"

#include <fmt/format.h>

#include <iterator>

#include "base/check.h"
#include "base/secret.h"
#include "http/date.h"
#include "http/event_loop.h"
#include "http/exchange_state.h"
#include "http/problem.h"

namespace salus::http {
namespace {

// A body up to this size is copied behind its head, so that both go out in one record.
constexpr std::size_t kJoinBytes = 16 * 1024;

bool StatusHasBody(int status) { return status >= 200 && status != 204 && status != 304; }

bool IsServersBusiness(std::string_view name) {
  return EqualIgnoreCase(name, "content-length") || EqualIgnoreCase(name, "transfer-encoding") ||
         EqualIgnoreCase(name, "connection") || EqualIgnoreCase(name, "date");
}

Error Gone() { return Unavailable("the client closed the connection or stalled"); }

}  // namespace

std::optional<std::string_view> Request::Find(std::string_view name) const {
  for (const FieldView& field : fields) {
    if (EqualIgnoreCase(field.name, name)) return field.value;
  }
  return std::nullopt;
}

const std::string& Request::Parameter(std::string_view name) const {
  const std::string* found = nullptr;
  for (const auto& [parameter, value] : parameters) {
    if (parameter == name) found = &value;
  }
  CHECK(found != nullptr);
  return *found;
}

Exchange::Exchange(std::shared_ptr<ExchangeState> state) : state_(std::move(state)) {}

Exchange::~Exchange() {
  if (answer_ == Answer::kNone) {
    Respond(Problem(500, "", "the request was dropped without an answer"));
  } else if (answer_ == Answer::kStreaming) {
    std::lock_guard lock(state_->mutex);
    state_->output_cut = true;
    state_->ScheduleLocked();
  }
}

const Request& Exchange::request() const { return state_->request; }
bool Exchange::body_is_whole() const { return state_->body_is_whole; }
std::optional<std::uint64_t> Exchange::content_length() const { return state_->content_length; }

ByteSpan Exchange::body() const {
  CHECK(state_->body_is_whole);
  return state_->whole_body;
}

bool Exchange::aborted() const {
  std::lock_guard lock(state_->mutex);
  return state_->aborted;
}

Result<ByteSpan> Exchange::ReadBody() {
  ExchangeState& s = *state_;
  std::unique_lock lock(s.mutex);
  if (s.body_is_whole) {
    if (s.body_requested) return ByteSpan();
    s.body_requested = true;
    return ByteSpan(s.whole_body);
  }
  CHECK(!OnLoopThread());
  if (!s.body_requested) {
    s.body_requested = true;
    if (s.expects_continue && s.body_pieces.empty()) s.ScheduleLocked();
  }
  s.changed.wait(
      lock, [&] { return !s.body_pieces.empty() || s.body_ended || s.body_error || s.aborted; });
  if (s.body_error) return *s.body_error;
  if (s.aborted) return Gone();
  if (s.body_pieces.empty()) return ByteSpan();
  current_piece_ = std::move(s.body_pieces.front());
  s.body_pieces.pop_front();
  s.body_bytes -= current_piece_.size();
  // Half empty, so that the connection is woken once for many pieces.
  if (s.body_paused && s.body_bytes <= kQueueBytes / 2) s.ScheduleLocked();
  return ByteSpan(current_piece_);
}

Result<Bytes> Exchange::ReadWholeBody(std::size_t limit_bytes) {
  Bytes all;
  while (true) {
    TRY(ByteSpan piece, ReadBody());
    if (piece.empty()) return all;
    if (piece.size() > limit_bytes - all.size()) {
      return ResourceExhausted(fmt::format("the body is longer than {} bytes", limit_bytes));
    }
    Append(all, piece);
  }
}

void Exchange::RespondToReadError(const Error& error) {
  switch (error.code) {
    case ErrorCode::kResourceExhausted:
      return Respond(Problem(413, "", error.message));
    case ErrorCode::kInvalidArgument:
      return Respond(Problem(400, "", error.message));
    default:
      return Respond(Problem(408, "", error.message));
  }
}

void Exchange::SendHead(int status, const Headers& headers,
                        std::optional<std::uint64_t> content_length, std::string body,
                        bool is_final) {
  std::string head;
  head.reserve(256 + (body.size() <= kJoinBytes ? body.size() : 0));
  auto out = std::back_inserter(head);
  fmt::format_to(out, "HTTP/1.1 {} {}\r\nDate: {}\r\n", status, ReasonPhrase(status), DateText());
  for (const auto& [name, value] : headers) {
    CHECK(!IsServersBusiness(name));
    fmt::format_to(out, "{}: {}\r\n", name, value);
  }
  if (state_->extra_headers != nullptr) {
    for (const auto& [name, value] : *state_->extra_headers) {
      if (!headers.Find(name)) fmt::format_to(out, "{}: {}\r\n", name, value);
    }
  }
  if (content_length && StatusHasBody(status)) {
    fmt::format_to(out, "Content-Length: {}\r\n", *content_length);
  } else if (chunked_) {
    head += "Transfer-Encoding: chunked\r\n";
  }
  std::lock_guard lock(state_->mutex);
  // A body that is not read to its end can't be told from the next request.
  state_->close_after = !state_->keep_alive || *state_->draining ||
                        (!content_length && !chunked_ && StatusHasBody(status)) ||
                        (is_final && !state_->body_ended);
  if (state_->close_after) head += "Connection: close\r\n";
  head += "\r\n";
  state_->status = status;
  state_->output_started = true;
  if (!state_->aborted) {
    const bool with_body = !state_->is_head && StatusHasBody(status) && !body.empty();
    if (with_body && body.size() <= kJoinBytes) {
      head += body;
      WipeMemory(body.data(), body.size());
    }
    state_->output_bytes += head.size();
    state_->output.push_back(std::move(head));
    if (with_body && body.size() > kJoinBytes) {
      state_->output_bytes += body.size();
      state_->output.push_back(std::move(body));
    }
  }
  state_->output_ended = is_final;
  state_->ScheduleLocked();
}

void Exchange::Respond(Response response) {
  CHECK(answer_ == Answer::kNone);
  for (const auto& [name, value] : response.headers) {
    if (!IsValidField(name, value) || IsServersBusiness(name)) {
      response = Problem(500, "", "the answer had a malformed header field");
      break;
    }
  }
  answer_ = Answer::kDone;
  const std::uint64_t length = response.body.size();
  SendHead(response.status, response.headers, length, std::move(response.body), true);
}

void Exchange::BeginResponse(int status, Headers headers,
                             std::optional<std::uint64_t> content_length) {
  CHECK(answer_ == Answer::kNone);
  for (const auto& [name, value] : headers) {
    if (!IsValidField(name, value) || IsServersBusiness(name)) {
      return Respond(Problem(500, "", "the answer had a malformed header field"));
    }
  }
  answer_ = Answer::kStreaming;
  remaining_ = content_length;
  chunked_ = !content_length && !state_->http10 && StatusHasBody(status);
  SendHead(status, headers, content_length, {}, false);
}

Result<bool> Exchange::Enqueue(ByteSpan bytes, bool may_block) {
  // BeginResponse may have turned a malformed head into a finished 500.
  if (answer_ != Answer::kStreaming) return Gone();
  if (remaining_) {
    CHECK(bytes.size() <= *remaining_);
  }
  ExchangeState& s = *state_;
  std::unique_lock lock(s.mutex);
  if (!may_block && s.output_bytes > kQueueBytes && !s.aborted) return false;
  s.changed.wait(lock, [&] { return s.aborted || s.output_bytes <= kQueueBytes; });
  if (s.aborted) return Gone();
  if (remaining_) *remaining_ -= bytes.size();
  if (s.is_head || bytes.empty()) return true;
  std::string piece;
  if (chunked_) {
    piece.reserve(bytes.size() + 20);
    fmt::format_to(std::back_inserter(piece), "{:x}\r\n", bytes.size());
    piece.append(AsText(bytes));
    piece += "\r\n";
  } else {
    piece.assign(AsText(bytes));
  }
  s.output_bytes += piece.size();
  s.output.push_back(std::move(piece));
  s.ScheduleLocked();
  return true;
}

Result<void> Exchange::Write(ByteSpan bytes) {
  // It would wait for itself, but only when a client is slow: better found at the first call.
  CHECK(!OnLoopThread());
  // Pieces of the queue's size keep its bound also for a caller with one huge buffer.
  constexpr std::size_t kPiece = 64 * 1024;
  while (!bytes.empty()) {
    const ByteSpan piece = bytes.first(std::min(bytes.size(), kPiece));
    TRY_VOID(Enqueue(piece, true));
    bytes = bytes.subspan(piece.size());
  }
  return {};
}

Result<bool> Exchange::TryWrite(ByteSpan bytes) { return Enqueue(bytes, false); }

void Exchange::Finish() {
  if (answer_ != Answer::kStreaming) return;
  answer_ = Answer::kDone;
  std::lock_guard lock(state_->mutex);
  if (!state_->aborted && chunked_ && !state_->is_head) {
    state_->output.push_back("0\r\n\r\n");
    state_->output_bytes += 5;
  }
  // Shorter than announced: only closing tells the client.
  if (remaining_.value_or(0) != 0 && !state_->is_head) state_->output_cut = true;
  if (!state_->body_ended) state_->close_after = true;
  state_->output_ended = true;
  state_->ScheduleLocked();
}

}  // namespace salus::http
