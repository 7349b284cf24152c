#include "proxy/client_connection.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "http/acceptor.h"
#include "proxy/peer_fields.h"

namespace salus::proxy {
namespace {

using Outcome = http::TlsChannel::Outcome;
using Event = http::RequestReader::Event;

constexpr std::chrono::milliseconds kLingerTime{2'000};

http::HeadLimits HeadLimitsOf(const http::ServerLimits& limits) {
  return {limits.header_bytes, limits.header_count, limits.target_bytes, true};
}

}  // namespace

ClientConnection::ClientConnection(ProxyLoop& loop, ListenerKind kind, int fd, std::string address)
    : loop_(loop),
      core_(loop.core),
      kind_(kind),
      address_(std::move(address)),
      share_(core_.quota.ShareOf(address_)),
      watch_(loop.loop.Watch(fd)),
      fd_(fd),
      reader_(HeadLimitsOf(core_.options.limits)) {}

ClientConnection::~ClientConnection() = default;

void ClientConnection::Start() {
  since_ = loop_.now;
  loop_.clients.insert(shared_from_this());
  if (kind_ == ListenerKind::kTls) {
    auto channel = http::TlsChannel::Accept(core_.tls(), loop_.tls);
    if (!channel) return Close();
    tls_ = *std::move(channel);
  } else {
    stage_ = Stage::kHead;
  }
  Arm();
}

void ClientConnection::OnTick() {
  const http::ServerLimits& limits = core_.options.limits;
  const auto age = loop_.now - since_;
  if (write_rate_.TooSlow(!out_pending_.empty(), loop_.now, limits)) {
    ++core_.counters.timeouts;
    http::ResetOnClose(fd_);
    return Close();
  }
  switch (stage_) {
    case Stage::kHandshake:
      if (age <= limits.handshake_timeout) return;
      ++core_.counters.timeouts;
      return Close();
    case Stage::kLinger:
      if (age > kLingerTime) Close();
      return;
    case Stage::kExchange:
    case Stage::kTunnel:
      CheckExchangeTimes();
      return;
    case Stage::kHead:
      break;
    case Stage::kClosed:
      return;
  }
  if (!out_pending_.empty()) return;
  if (head_started_ && age > limits.header_timeout) {
    ++core_.counters.timeouts;
    exchange_.Reset();
    Refuse(408, "the header came too slowly", true);
    return Settle();
  }
  const bool drained = core_.draining && age > core_.idle_grace.load();
  if (!head_started_ && (age > limits.idle_timeout || drained)) {
    closing_ = true;
    StartLinger();
  }
}

void ClientConnection::Close() {
  if (stage_ == Stage::kClosed) return;
  if (stage_ == Stage::kExchange || stage_ == Stage::kTunnel) LogAnswer();
  stage_ = Stage::kClosed;
  const auto self = shared_from_this();
  DropBackend();
  watch_->Close();
  loop_.to_client.clear();
  loop_.to_backend.clear();
  loop_.clients.erase(self);
  --loop_.load;
  core_.admission.Leave(address_);
}

// --- reading ---

bool ClientConnection::WantsInput() const {
  switch (stage_) {
    case Stage::kHandshake:
    case Stage::kLinger:
      return true;
    case Stage::kHead:
      return out_pending_.empty() && !closing_;
    case Stage::kExchange:
      // After the request, to notice that the client goes away; what comes then waits.
      return !closing_ &&
             (exchange_.request_done ? backlog_.empty()
                                     : backend_ == nullptr || !backend_->is_congested());
    case Stage::kTunnel:
      return !closing_ && backend_ != nullptr && !backend_->is_congested();
    case Stage::kClosed:
      return false;
  }
  return false;
}

void ClientConnection::Arm() {
  if (!read_armed_ && WantsInput()) {
    read_armed_ = true;
    watch_->WhenReadable(shared_from_this());
  }
  if (backend_ != nullptr && TakesAnswer()) backend_->ArmRead();
}

void ClientConnection::OnReadable() {
  read_armed_ = false;
  for (int i = 0; i < kReadsPerTurn && WantsInput(); ++i) {
    if (stage_ == Stage::kLinger) {
      if (!http::Discard(fd_, loop_.received)) return Close();
      break;
    }
    const ssize_t n = recv(fd_, loop_.received.data(), loop_.received.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (n <= 0) return Close();
    const auto size = static_cast<std::size_t>(n);
    read_rate_.Moved(size);
    OnInput(ByteSpan(loop_.received).first(size));
    if (stage_ == Stage::kClosed) return;
    if (size < loop_.received.size()) break;
  }
  Arm();
}

void ClientConnection::OnInput(ByteSpan input) {
  if (tls_ == nullptr) {
    Append(backlog_, OnPlain(input));
    return Settle();
  }
  loop_.tls.in = input;
  if (stage_ == Stage::kHandshake) {
    const Outcome outcome = tls_->Handshake();
    FlushToClient();
    if (outcome == Outcome::kNeedInput || stage_ == Stage::kClosed) return;
    if (outcome != Outcome::kDone || !FinishHandshake()) return Close();
  }
  Outcome outcome = Outcome::kDone;
  while (outcome == Outcome::kDone && stage_ != Stage::kClosed && stage_ != Stage::kLinger) {
    std::size_t size = 0;
    outcome = tls_->Read(loop_.plain, size);
    if (size > 0) Append(backlog_, OnPlain(ByteSpan(loop_.plain).first(size)));
  }
  // What this connection leaves behind must not reach the next one that uses the buffers.
  loop_.tls.in = {};
  Settle();
  if (outcome == Outcome::kClosed || outcome == Outcome::kFailed) Close();
}

bool ClientConnection::FinishHandshake() {
  if (tls_->is_challenge()) return false;
  if (core_.options.tls.client_certificate != http::ClientCertificate::kNone) {
    const auto peer = tls_->Peer();
    if (peer == nullptr) return false;
    auto lines = PeerLines(*peer);
    if (!lines) return false;
    identity_lines_ = *std::move(lines);
  }
  stage_ = Stage::kHead;
  since_ = loop_.now;
  return true;
}

ByteSpan ClientConnection::OnPlain(ByteSpan input) {
  while (stage_ != Stage::kClosed && stage_ != Stage::kLinger && !closing_) {
    if (stage_ == Stage::kTunnel) {
      if (!input.empty()) PassToBackend(input);
      return {};
    }
    if ((stage_ == Stage::kExchange && exchange_.request_done) ||
        (stage_ == Stage::kHead && !out_pending_.empty())) {
      return input;
    }
    const http::RequestReader::Step step = reader_.Next(input);
    input = input.subspan(step.consumed);
    switch (step.event) {
      case Event::kNeedMore:
        if (stage_ == Stage::kHead && !head_started_ && reader_.in_head()) {
          head_started_ = true;
          since_ = loop_.now;
        }
        return {};
      case Event::kHead:
        OnHead(input.size());
        break;
      case Event::kBody:
        OnBody(step.body);
        break;
      case Event::kEnd:
        OnBodyEnd();
        break;
      case Event::kRefused:
        OnBodyRefused(step.refusal);
        break;
    }
  }
  return {};
}

// --- writing ---

void ClientConnection::PassToBackend(ByteSpan bytes) {
  if (bytes.size() < kLargePiece) return Append(loop_.to_backend, bytes);
  FlushToBackend();
  if (exchange_.collects) return Append(exchange_.sent, bytes);
  backend_moved_ = loop_.now;
  exchange_.may_retry = false;  // this piece is not kept
  if (backend_ != nullptr) backend_->Send(bytes);
}

void ClientConnection::PassToClient(ByteSpan bytes) {
  if (bytes.size() < kLargePiece) return Append(loop_.to_client, bytes);
  if (EncryptToClient(loop_.to_client)) EncryptToClient(bytes);
  loop_.to_client.clear();
}

// EncryptToClient puts bytes behind what waits in the thread's buffer for FlushToClient.
bool ClientConnection::EncryptToClient(ByteSpan bytes) {
  if (bytes.empty()) return true;
  if (tls_ == nullptr) {
    Append(loop_.tls.out, bytes);
    return true;
  }
  return tls_->Write(bytes) == Outcome::kDone;
}

void ClientConnection::FlushToBackend() {
  Bytes& out = loop_.to_backend;
  if (out.empty()) return;
  if (exchange_.collects) {
    Append(exchange_.sent, out);
    return out.clear();
  }
  if (exchange_.may_retry) {
    exchange_.may_retry = exchange_.sent.size() + out.size() <= kReadBytes;
    if (exchange_.may_retry) Append(exchange_.sent, out);
  }
  backend_moved_ = loop_.now;
  if (backend_ != nullptr) backend_->Send(out);
  out.clear();
}

void ClientConnection::FlushToClient() {
  const bool encrypted = EncryptToClient(loop_.to_client);
  loop_.to_client.clear();
  Bytes& out = loop_.tls.out;
  if (encrypted && !out.empty()) {
    if (out_pending_.empty()) {
      SendPending(out);
    } else {
      Append(out_pending_, out);
    }
  }
  out.clear();
  if (!encrypted) Close();
}

// SendPending sends bytes, and keeps what the socket does not take.
void ClientConnection::SendPending(ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) return Close();
    if (n < 0) break;
    write_rate_.Moved(static_cast<std::size_t>(n));
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  if (bytes.empty()) return;
  out_pending_.assign(bytes.begin(), bytes.end());
  if (write_armed_) return;
  write_armed_ = true;
  watch_->WhenWritable(shared_from_this());
}

// Settle ends a turn: what was collected is sent, and requests that were waiting are begun.
void ClientConnection::Settle() {
  while (true) {
    FlushToBackend();
    FlushToClient();
    if (stage_ == Stage::kClosed) return;
    if (closing_) return StartLinger();
    if (stage_ != Stage::kHead || !out_pending_.empty() || backlog_.empty()) return;
    BeginWaiting();
  }
}

void ClientConnection::BeginWaiting() {
  Bytes ahead = std::exchange(backlog_, {});
  const std::size_t begin = std::exchange(backlog_begin_, 0);
  const ByteSpan rest = OnPlain(ByteSpan(ahead).subspan(begin));
  if (rest.empty()) return;
  // Left where it is: moving it would cost as much for each of many small requests.
  backlog_begin_ = ahead.size() - rest.size();
  backlog_ = std::move(ahead);
}

void ClientConnection::OnWritable() {
  write_armed_ = false;
  if (stage_ == Stage::kClosed) return;
  const Bytes waiting = std::exchange(out_pending_, {});
  SendPending(waiting);
  if (stage_ == Stage::kClosed || !out_pending_.empty()) return;
  backend_moved_ = loop_.now;  // it waited for the client
  Settle();
  if (stage_ != Stage::kClosed) Arm();
}

void ClientConnection::StartLinger() {
  if (!out_pending_.empty() || stage_ == Stage::kLinger || stage_ == Stage::kClosed) return;
  stage_ = Stage::kLinger;
  since_ = loop_.now;
  DropBackend();
  if (tls_ != nullptr) {
    tls_->CloseNotify();
    FlushToClient();
  }
  if (stage_ == Stage::kClosed) return;
  shutdown(fd_, SHUT_WR);
  Arm();
}

}  // namespace salus::proxy
