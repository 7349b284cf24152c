// The part of ClientConnection that deals with one request and its answer.
#include <cstring>
#include <utility>

#include "base/log.h"
#include "http/problem.h"
#include "proxy/client_connection.h"

namespace salus::proxy {
namespace {

using Event = http::RequestReader::Event;
using Freshness = BackendConnection::Freshness;

constexpr int kMaxInterimAnswers = 16;
constexpr std::uint64_t kMaxCollected = 64 * 1024;
// After so long without a word of the backend the client is told to send its body all the same:
// many backends know no 100 Continue.
constexpr std::chrono::milliseconds kContinueTime{1'000};
constexpr std::chrono::minutes kTunnelIdleTime{60};
constexpr std::chrono::seconds kWarningInterval{10};
// What is logged as the status when the client went away before there was one.
constexpr int kClientGone = 499;

// IsIdempotent: may be sent again when a connection broke. Source: RFC 9110 section 9.2.2.
bool IsIdempotent(http::Method method) {
  return method != http::Method::kPost && method != http::Method::kPatch &&
         method != http::Method::kOther;
}

}  // namespace

void ClientConnection::Exchange::Reset() {
  Bytes kept = std::move(sent);
  kept.clear();
  *this = Exchange();
  sent = std::move(kept);
}

std::string_view ClientConnection::hsts_line() const {
  return tls_ == nullptr ? std::string_view() : std::string_view(core_.hsts_line);
}

// --- the request ---

// ahead: so many bytes after the head have come already.
void ClientConnection::OnHead(std::size_t ahead) {
  exchange_.Reset();
  stage_ = Stage::kExchange;
  head_started_ = false;
  if (core_.access_log != nullptr) exchange_.began = std::chrono::steady_clock::now();
  http::Framing framing;
  RequestNotes notes;
  auto refusal = http::ParseHead(reader_.head(), reader_.limits(), request_, framing);
  if (!refusal) refusal = InspectRequest(request_, framing, notes);
  if (refusal) return Refuse(refusal->status, refusal->detail, true);
  ++core_.counters.requests;
  const bool has_body = framing.content_length != 0u;
  exchange_.method = request_.method;
  exchange_.http10 = framing.http10;
  exchange_.keep_alive = framing.keep_alive;
  exchange_.chunked = framing.chunked;
  exchange_.upgrades = notes.upgrades;
  if (auto response = CheckRequest(framing, notes)) {
    // Without a body the connection can go on.
    reader_.StartBody(framing);
    return Answer(*std::move(response), has_body);
  }
  if (kind_ == ListenerKind::kRedirect) return BeginPlainPost(framing, ahead);
  framing.expects_continue = framing.expects_continue && has_body && ahead == 0;
  exchange_.waits_to_continue = framing.expects_continue;
  exchange_.collects = CollectsFirst(framing, ahead);
  const int failure = exchange_.collects ? 0 : StartBackend();
  if (failure == 0) {
    PutRequestHead(request_, framing, notes, {address_, identity_lines_, core_.backend_host},
                   loop_.to_backend);
  }
  reader_.StartBody(framing);
  if (failure != 0) RefuseWithoutBackend(failure, has_body);
}

// CollectsFirst: a short body that is still on its way is waited for here, so that a slow client
// takes no worker of the backend's. Who waits for 100 Continue must be answered by the backend.
bool ClientConnection::CollectsFirst(const http::Framing& framing, std::size_t ahead) const {
  const std::uint64_t length = framing.content_length.value_or(0);
  return length > ahead && length <= kMaxCollected && !framing.expects_continue;
}

std::optional<http::Response> ClientConnection::CheckRequest(const http::Framing& framing,
                                                             const RequestNotes& notes) const {
  if (kind_ == ListenerKind::kRedirect) return PlainResponse(framing, notes.host);
  if (!IsServed(notes.host)) return http::Problem(421, "", "this host is not served here");
  if (framing.content_length.value_or(0) > max_body_bytes()) {
    return http::Problem(413, "", "the body is longer than is taken here");
  }
  return std::nullopt;
}

int ClientConnection::StartBackend() {
  if (!core_.quota.Take(*share_)) return 503;
  const bool is_idempotent = IsIdempotent(exchange_.method);
  backend_ = BackendConnection::Take(loop_, *this, Freshness::kUsed);
  if (backend_ == nullptr) {
    core_.quota.GiveBack(*share_);
    return 502;
  }
  exchange_.may_retry = is_idempotent && backend_->was_used();
  backend_moved_ = loop_.now;
  return 0;
}

void ClientConnection::SendCollected() {
  FlushToBackend();
  exchange_.collects = false;
  const Bytes request = std::exchange(exchange_.sent, {});
  if (const int failure = StartBackend()) return RefuseWithoutBackend(failure, false);
  PassToBackend(request);
}

void ClientConnection::RefuseWithoutBackend(int status, bool close) {
  if (status == 502) {
    WarnOfConnecting();
    return Refuse(status, "the server behind does not answer", close);
  }
  WarnOfBackend("more requests than may be at the server behind at once: some are answered 503");
  auto response = http::Problem(status, "", "too many requests are being answered");
  response.headers.Add("Retry-After", "1");
  Answer(std::move(response), close);
}

void ClientConnection::OnBody(ByteSpan piece) {
  if (stage_ != Stage::kExchange) return;
  exchange_.received_bytes += piece.size();
  exchange_.waits_to_continue = false;
  if (exchange_.received_bytes > max_body_bytes()) {
    return BackendFailed(413, "the body is longer than is taken here");
  }
  if (kind_ == ListenerKind::kRedirect) return Append(exchange_.sent, piece);
  if (!exchange_.chunked) return PassToBackend(piece);
  PutNumber(loop_.to_backend, piece.size(), 16);
  Put(loop_.to_backend, "\r\n");
  PassToBackend(piece);
  Put(loop_.to_backend, "\r\n");
}

void ClientConnection::OnBodyEnd() {
  if (stage_ != Stage::kExchange) return;
  exchange_.request_done = true;
  exchange_.waits_to_continue = false;
  if (kind_ == ListenerKind::kRedirect) return AnswerPlainPost();
  backend_moved_ = loop_.now;
  if (exchange_.chunked) Put(loop_.to_backend, "0\r\n\r\n");
  if (exchange_.collects) SendCollected();
}

void ClientConnection::OnBodyRefused(const http::Refusal& refusal) {
  if (stage_ == Stage::kExchange) return BackendFailed(refusal.status, refusal.detail);
  exchange_.Reset();
  Refuse(refusal.status, refusal.detail, true);
}

// --- the answer ---

void ClientConnection::OnAnswerBytes(ByteSpan input) {
  const std::shared_ptr<BackendConnection> from = backend_;
  backend_moved_ = loop_.now;
  while (stage_ == Stage::kExchange && backend_ == from && !closing_) {
    const http::RequestReader::Step step = from->reader.Next(input);
    input = input.subspan(step.consumed);
    if (step.event == Event::kNeedMore) break;
    if (step.event == Event::kHead) {
      OnAnswerHead();
    } else if (step.event == Event::kBody) {
      OnAnswerBody(step.body);
    } else if (step.event == Event::kRefused) {
      BackendFailed(502, "the server behind gave an answer that can't be understood");
    } else if (exchange_.answer_started) {
      // Bytes after an answer belong to nothing that was asked.
      FinishAnswer(input.empty());
    }
  }
  if (stage_ == Stage::kTunnel && backend_ == from) PassToClient(input);
  Settle();
  if (stage_ != Stage::kClosed) Arm();
}

void ClientConnection::OnAnswerHead() {
  http::RequestReader& reader = backend_->reader;
  http::Framing framing;
  const Result<void> parsed =
      http::ParseResponseHead(reader.head(), reader.limits(), exchange_.method, response_, framing);
  const bool may_switch = exchange_.upgrades && exchange_.request_done;
  const bool is_bad_switch =
      parsed && response_.status == 101 && (!may_switch || !IsWebSocketSwitch(response_));
  if (!parsed || is_bad_switch) {
    WarnOfBackend("the server behind gave an answer that can't be understood");
    return BackendFailed(502, "the server behind gave an answer that can't be understood");
  }
  if (response_.status == 101) return StartTunnel();
  if (response_.status < 200) {
    OnInterim();
  } else {
    PassAnswerHead(framing);
  }
  if (stage_ == Stage::kExchange) reader.StartBody(framing);
}

void ClientConnection::OnInterim() {
  if (++exchange_.interim_answers > kMaxInterimAnswers) {
    return BackendFailed(502, "the server behind gives no final answer");
  }
  // A 100 that nobody waits for would only confuse.
  if (response_.status == 100 && !exchange_.waits_to_continue) return;
  if (response_.status == 100) exchange_.waits_to_continue = false;
  if (!exchange_.http10) PutInterimHead(response_, loop_.to_client);
}

void ClientConnection::PassAnswerHead(const http::Framing& framing) {
  const bool has_body =
      exchange_.method != http::Method::kHead && response_.status != 204 && response_.status != 304;
  const bool is_open_ended = has_body && !framing.content_length;
  exchange_.answer = framing;
  exchange_.answer_started = true;
  exchange_.status = response_.status;
  exchange_.answer_chunked = is_open_ended && !exchange_.http10;
  exchange_.close_after = !exchange_.keep_alive || !exchange_.request_done || core_.draining ||
                          (is_open_ended && exchange_.http10);
  const AnswerFraming out{framing.content_length, exchange_.answer_chunked, has_body,
                          exchange_.close_after};
  PutResponseHead(response_, out, hsts_line(), loop_.to_client);
}

void ClientConnection::OnAnswerBody(ByteSpan piece) {
  exchange_.answer_bytes += piece.size();
  if (!exchange_.answer_chunked) return PassToClient(piece);
  PutNumber(loop_.to_client, piece.size(), 16);
  Put(loop_.to_client, "\r\n");
  PassToClient(piece);
  Put(loop_.to_client, "\r\n");
}

void ClientConnection::FinishAnswer(bool backend_is_reusable) {
  if (exchange_.answer_chunked) Put(loop_.to_client, "0\r\n\r\n");
  LogAnswer();
  const std::shared_ptr<BackendConnection> backend = LeaveBackend();
  if (backend_is_reusable && exchange_.answer.keep_alive && exchange_.request_done) {
    backend->GiveBack();
  } else {
    backend->Close();
  }
  stage_ = Stage::kHead;
  since_ = loop_.now;
  closing_ = exchange_.close_after;
}

void ClientConnection::StartTunnel() {
  exchange_.status = 101;
  exchange_.answer_started = true;
  PutSwitchHead(response_, loop_.to_client);
  LogAnswer();
  stage_ = Stage::kTunnel;
  const Bytes ahead = std::exchange(backlog_, {});
  PassToBackend(ByteSpan(ahead).subspan(std::exchange(backlog_begin_, 0)));
}

// --- when something goes wrong ---

void ClientConnection::OnBackendDrained() {
  backend_moved_ = loop_.now;
  Arm();
}

void ClientConnection::OnBackendEnd(bool is_error) {
  if (stage_ == Stage::kTunnel) {
    closing_ = true;
  } else if (!is_error && exchange_.answer_started && exchange_.answer.until_close) {
    FinishAnswer(false);
  } else if (!Retry()) {
    if (backend_ != nullptr && !backend_->has_failed_to_connect()) {
      if (!exchange_.answer_started) WarnOfBackend("the server behind closed without an answer");
    } else {
      WarnOfConnecting();
    }
    BackendFailed(502, "the server behind does not answer");
  }
  Settle();
  if (stage_ != Stage::kClosed) Arm();
}

// Retry sends a request again that met a connection which the backend was just closing.
bool ClientConnection::Retry() {
  const bool is_untouched =
      !exchange_.answer_started && exchange_.interim_answers == 0 && !backend_->reader.in_head();
  if (!exchange_.may_retry || !is_untouched) return false;
  exchange_.may_retry = false;
  DropBackend();
  if (!core_.quota.Take(*share_)) return false;
  backend_ = BackendConnection::Take(loop_, *this, Freshness::kNew);
  if (backend_ == nullptr) {
    core_.quota.GiveBack(*share_);
    return false;
  }
  backend_->Send(exchange_.sent);
  return true;
}

void ClientConnection::BackendFailed(int status, std::string_view detail) {
  // What was begun can't be taken back: cut, so that the client sees that it is not whole.
  if (exchange_.answer_started) return Close();
  Refuse(status, detail, !exchange_.request_done);
}

void ClientConnection::Refuse(int status, std::string_view detail, bool close) {
  Answer(http::Problem(status, "", detail), close);
}

// Answer says something of the proxy's own, and forgets what the backend was asked.
void ClientConnection::Answer(http::Response response, bool close) {
  DropBackend();
  loop_.to_backend.clear();
  closing_ = close || !exchange_.keep_alive || core_.draining;
  const bool is_head = exchange_.method == http::Method::kHead;
  PutOwnResponse(response, is_head, closing_, hsts_line(), loop_.to_client);
  exchange_.status = response.status;
  exchange_.answer_bytes = is_head ? 0 : response.body.size();
  LogAnswer();
  stage_ = Stage::kHead;
  head_started_ = false;
  since_ = loop_.now;
}

void ClientConnection::DropBackend() {
  if (const auto backend = LeaveBackend()) backend->Close();
}

std::shared_ptr<BackendConnection> ClientConnection::LeaveBackend() {
  if (backend_ != nullptr) core_.quota.GiveBack(*share_);
  return std::exchange(backend_, nullptr);
}

void ClientConnection::CheckExchangeTimes() {
  const auto still = loop_.now - backend_moved_;
  if (stage_ == Stage::kTunnel) {
    if (still > kTunnelIdleTime) Close();
    return;
  }
  const bool is_congested = backend_ != nullptr && backend_->is_congested();
  const bool waits_for_body =
      !exchange_.request_done && !is_congested && !exchange_.waits_to_continue;
  const bool waits_for_backend = out_pending_.empty() && !waits_for_body;
  if (read_rate_.TooSlow(waits_for_body, loop_.now, core_.options.limits)) {
    ++core_.counters.timeouts;
    BackendFailed(408, "the body came too slowly");
  } else if (waits_for_backend && still > core_.options.backend_timeout) {
    ++core_.counters.timeouts;
    WarnOfBackend("the server behind was silent for too long");
    BackendFailed(504, "the server behind took too long");
  } else if (exchange_.waits_to_continue && still > kContinueTime) {
    exchange_.waits_to_continue = false;
    Put(loop_.to_client, kContinueHead);
  } else {
    return;
  }
  Settle();
  if (stage_ != Stage::kClosed) Arm();
}

void ClientConnection::LogAnswer() {
  if (core_.access_log == nullptr || std::exchange(exchange_.is_logged, true)) return;
  const auto took = exchange_.began == TimePoint{}
                        ? TimePoint::duration{}
                        : std::chrono::steady_clock::now() - exchange_.began;
  core_.access_log->Add({exchange_.method, exchange_.status == 0 ? kClientGone : exchange_.status,
                         exchange_.answer_bytes,
                         std::chrono::duration_cast<std::chrono::microseconds>(took),
                         tls_ == nullptr ? "-" : tls_->version()});
}

void ClientConnection::WarnOfBackend(std::string_view what) {
  if (loop_.now - loop_.last_warning < kWarningInterval) return;
  loop_.last_warning = loop_.now;
  core_.warnings->Add(LogLine(LogLevel::kWarning, what));
}

void ClientConnection::WarnOfConnecting() {
  WarnOfBackend("the server behind does not take connections (" + core_.backend_host + ": " +
                std::strerror(loop_.connect_error) + ")");
}

}  // namespace salus::proxy
