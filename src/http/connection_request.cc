// The part of Connection that deals with one request, from its head to its handler.
#include <algorithm>
#include <exception>

#include "base/log.h"
#include "http/connection.h"
#include "http/problem.h"

namespace salus::http {
namespace {

Response TooBig() { return Problem(413, "", "the body is longer than this resource takes"); }

Response Overloaded() {
  Response response = Problem(503, "", "too many requests are running; try again");
  response.headers.Add("Retry-After", "1");
  return response;
}

std::string_view MediaType(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ') || content_type.ends_with('\t')) content_type.remove_suffix(1);
  return content_type;
}

void CallHandler(const Handler& handler, std::shared_ptr<Exchange> exchange) {
  try {
    handler(std::move(exchange));
  } catch (const std::exception&) {
    // The dropped exchange has answered 500. What went wrong may hold input, so it is not logged.
    Log(LogLevel::kError, "an exception escaped a handler");
  }
}

}  // namespace

void Connection::OnHead(bool more_is_there) {
  auto state = std::make_shared<ExchangeState>();
  exchange_ = state;
  stage_ = Stage::kBody;
  head_started_ = false;
  state->draining = core_.draining;
  state->extra_headers = listener_.response_headers;
  state->head_text = reader_.TakeHead();
  Framing framing;
  const HeadLimits limits{core_.limits.header_bytes, core_.limits.header_count,
                          core_.limits.target_bytes};
  if (auto refusal = ParseHead(state->head_text, limits, state->request, framing)) {
    return RefuseMalformed(refusal->status, refusal->detail);
  }
  reader_.StartBody(framing);
  state->sink = shared_from_this();
  state->is_head = state->request.method == Method::kHead;
  state->http10 = framing.http10;
  state->keep_alive = framing.keep_alive;
  state->expects_continue = framing.expects_continue;
  state->content_length = framing.content_length;
  state->request.peer = peer_;
  state->remote_address = address_;
  state->request.remote_address = state->remote_address;
  if (auto problem = CheckRequest(framing)) {
    // Without a body the connection can go on.
    state->body_ended = framing.content_length == 0u;
    return Refuse(*std::move(problem));
  }
  ++core_.counters.requests;
  continue_owed_ = framing.expects_continue && framing.content_length != 0u && !more_is_there;
  if (!framing.content_length) return;
  if (*framing.content_length > route_->whole_body_bytes) return Dispatch(true);
  if (*framing.content_length > kReadBytes) {
    reserved_bytes_ = static_cast<std::size_t>(*framing.content_length);
    if (core_.whole_body_bytes.fetch_add(reserved_bytes_) + reserved_bytes_ >
        core_.limits.whole_body_bytes) {
      return Refuse(Overloaded());
    }
  }
  if (continue_owed_) {
    continue_sent_ = true;
    SendPlain(AsBytes("HTTP/1.1 100 Continue\r\n\r\n"));
  }
}

std::optional<Response> Connection::CheckRequest(const Framing& framing) {
  Request& request = exchange_->request;
  if (peer_refused_) return Problem(403, "", "the client certificate is not accepted");
  RouteMatch match = listener_.options.router->Match(request.method, request.path);
  if (match.route == nullptr) {
    Response problem = Problem(match.status, "", match.detail);
    if (match.status == 405) problem.headers.Add("Allow", match.allow);
    return problem;
  }
  route_ = match.route;
  request.route_tag = route_->tag;
  request.parameters = std::move(match.parameters);
  const bool has_body = framing.chunked || *framing.content_length > 0;
  const bool may_have_body = route_->body_limit_bytes > 0;
  if (framing.content_length.value_or(0) > route_->body_limit_bytes ||
      (framing.chunked && !may_have_body)) {
    return TooBig();
  }
  const bool sends = request.method == Method::kPost || request.method == Method::kPut ||
                     request.method == Method::kPatch;
  if (!has_body && sends && may_have_body && !request.Find("content-length")) {
    return Problem(411, "", "send a Content-Length or a chunked body");
  }
  if (has_body && !route_->content_types.empty()) {
    const std::string_view type = MediaType(request.Find("content-type").value_or(""));
    const auto& admitted = route_->content_types;
    if (std::none_of(admitted.begin(), admitted.end(),
                     [&](const std::string& one) { return EqualIgnoreCase(one, type); })) {
      return Problem(415, "", "the body's media type is not taken here");
    }
  }
  if (core_.counters.in_flight.fetch_add(1) >= core_.limits.requests_in_flight) {
    --core_.counters.in_flight;
    return Overloaded();
  }
  counted_ = true;
  return std::nullopt;
}

void Connection::OnBody(ByteSpan piece) {
  if (exchange_ == nullptr || route_ == nullptr) return;
  received_bytes_ += piece.size();
  if (received_bytes_ > route_->body_limit_bytes) {
    return FailBody(ResourceExhausted("the body is longer than this resource takes"));
  }
  if (!dispatched_) {
    Append(exchange_->whole_body, piece);
    // Chunks are collected only as long as they come with the head.
    if (!exchange_->content_length && exchange_->whole_body.size() > kReadBytes) Dispatch(true);
    return;
  }
  std::lock_guard lock(exchange_->mutex);
  exchange_->body_bytes += piece.size();
  exchange_->body_pieces.push_back(ToBytes(piece));
  // Said together with the last piece, so that a handler that has read everything and answers
  // at once does not seem to have stopped early.
  exchange_->body_ended = reader_.body_is_complete();
  if (exchange_->body_bytes >= kQueueBytes) exchange_->body_paused = body_paused_ = true;
  exchange_->changed.notify_all();
}

void Connection::OnBodyEnd() {
  stage_ = Stage::kBusy;
  if (dispatched_) {
    std::lock_guard lock(exchange_->mutex);
    exchange_->body_ended = true;
    exchange_->changed.notify_all();
    return;
  }
  exchange_->body_ended = true;
  exchange_->body_is_whole = true;
  Dispatch(false);
}

// FailBody ends a body that can't go on. A handler that is reading it learns why, and answers.
void Connection::FailBody(Error error) {
  if (!dispatched_) {
    if (error.code == ErrorCode::kResourceExhausted) return Refuse(TooBig());
    const bool is_slow = error.code == ErrorCode::kUnavailable;
    return Refuse(Problem(is_slow ? 408 : 400, "", error.message));
  }
  body_failed_ = true;
  std::lock_guard lock(exchange_->mutex);
  exchange_->body_error = std::move(error);
  exchange_->changed.notify_all();
}

void Connection::Dispatch(bool is_stream) {
  dispatched_ = true;
  ExchangeState& state = *exchange_;
  if (is_stream && !state.whole_body.empty()) {
    state.body_bytes = state.whole_body.size();
    state.body_pieces.push_back(std::move(state.whole_body));
    state.whole_body.clear();
  }
  auto exchange = std::make_shared<Exchange>(exchange_);
  const bool on_loop =
      !is_stream &&
      (route_->run_on == RunOn::kLoop ||
       (route_->never_blocks && route_->never_blocks(state.request, state.whole_body)));
  if (on_loop) {
    // Marked as scheduled, so that an answer given at once does not take the way through the queue.
    state.scheduled = true;
    CallHandler(route_->handler, std::move(exchange));
    return Advance();
  }
  const Handler& handler = route_->handler;  // lives as long as the listener's router
  std::function<void()> work = [&handler, exchange]() mutable {
    CallHandler(handler, std::move(exchange));
  };
  const bool may_wait = is_stream || route_->run_on == RunOn::kStreamWorker;
  WorkerPool& pool = may_wait ? core_.stream_workers : core_.workers;
  if (pool.Submit(work)) return;
  state.scheduled = true;
  ++core_.counters.refused;
  exchange->Respond(Overloaded());
  Advance();
}

void Connection::RefuseMalformed(int status, std::string_view detail) {
  if (exchange_ == nullptr) {
    exchange_ = std::make_shared<ExchangeState>();
    exchange_->draining = core_.draining;
    exchange_->extra_headers = listener_.response_headers;
  }
  exchange_->keep_alive = false;
  Refuse(Problem(status, "", detail));
}

// Refuse answers without a handler, through the same path as any answer.
void Connection::Refuse(Response problem) {
  ++core_.counters.refused;
  refused_ = true;
  dispatched_ = true;
  stage_ = Stage::kBusy;
  exchange_->sink = shared_from_this();
  exchange_->scheduled = true;
  std::make_shared<Exchange>(exchange_)->Respond(std::move(problem));
  Advance();
}

// Advance does what the handler's side asks for: go on reading, send what was written, end.
void Connection::Advance() {
  if (exchange_ == nullptr || stage_ == Stage::kClosed) return;
  bool resume = false;
  bool say_continue = false;
  bool cut = false;
  {
    ExchangeState& state = *exchange_;
    std::lock_guard lock(state.mutex);
    state.scheduled = false;
    if (state.body_paused && state.body_bytes <= kQueueBytes / 2) {
      state.body_paused = body_paused_ = false;
      resume = true;
    }
    say_continue = state.expects_continue && state.body_requested && !state.output_started &&
                   !continue_sent_ && received_bytes_ == 0 && stage_ == Stage::kBody;
    cut = state.output_cut;
  }
  if (say_continue) {
    continue_sent_ = true;
    SendPlain(AsBytes("HTTP/1.1 100 Continue\r\n\r\n"));
  }
  PumpOutput();
  if (cut && exchange_ != nullptr && out_pending_.empty()) FinishExchange(true);
  if (stage_ == Stage::kClosed) return;
  if (resume && stage_ == Stage::kBody && !read_armed_) return OnReadable();
  ArmRead();
}

}  // namespace salus::http
