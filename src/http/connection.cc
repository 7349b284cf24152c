#include "http/connection.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/secret.h"
#include "http/acceptor.h"
#include "http/problem.h"

namespace salus::http {
namespace {

// What one connection reads and writes before the others get their turn.
constexpr int kReadsPerTurn = 4;
constexpr std::size_t kWritesPerTurn = 512 * 1024;
constexpr std::chrono::milliseconds kLingerTime{2'000};

HeadLimits HeadLimitsOf(const ServerLimits& limits) {
  return {limits.header_bytes, limits.header_count, limits.target_bytes};
}

}  // namespace

Connection::Connection(LoopContext& loop, Listener& listener, int fd, std::string address)
    : core_(loop.core),
      loop_(loop),
      listener_(listener),
      address_(std::move(address)),
      watch_(loop.loop.Watch(fd)),
      fd_(fd),
      reader_(HeadLimitsOf(core_.limits)) {}

Connection::~Connection() = default;

void Connection::Start() {
  since_ = loop_.now;
  loop_.connections.insert(shared_from_this());
  if (auto context = listener_.tls()) {
    auto channel = TlsChannel::Accept(std::move(context), loop_.tls);
    if (!channel) return Close();
    tls_ = *std::move(channel);
  } else {
    stage_ = Stage::kHead;
  }
  ArmRead();
}

void Connection::Schedule() { loop_.loop.Post(shared_from_this()); }

void Connection::OnTick() {
  const auto age = loop_.now - since_;
  if (write_rate_.TooSlow(!out_pending_.empty(), loop_.now, core_.limits)) {
    ++core_.counters.timeouts;
    return Close();
  }
  const bool waits_for_us = body_paused_ || body_failed_ || (continue_owed_ && !continue_sent_);
  const bool waits_for_body = stage_ == Stage::kBody && !waits_for_us;
  if (read_rate_.TooSlow(waits_for_body, loop_.now, core_.limits)) {
    ++core_.counters.timeouts;
    return FailBody(Unavailable("the body came too slowly"));
  }
  if (stage_ == Stage::kHandshake && age > core_.limits.handshake_timeout) {
    ++core_.counters.timeouts;
    return Close();
  }
  if (stage_ == Stage::kLinger && age > kLingerTime) return Close();
  if (stage_ != Stage::kHead || !out_pending_.empty()) return;
  if (head_started_ && age > core_.limits.header_timeout) {
    ++core_.counters.timeouts;
    return RefuseMalformed(408, "the header came too slowly");
  }
  if (!head_started_ && age > core_.limits.idle_timeout) {
    closing_ = true;
    StartLinger();
  }
}

void Connection::BeginDrain() {
  if (stage_ == Stage::kHandshake) return Close();
  if (stage_ == Stage::kHead && !head_started_ && out_pending_.empty()) {
    closing_ = true;
    StartLinger();
  }
}

void Connection::Close() {
  if (stage_ == Stage::kClosed) return;
  if (stage_ == Stage::kHandshake && tls_ != nullptr) ++core_.counters.handshakes_failed;
  stage_ = Stage::kClosed;
  const auto self = shared_from_this();
  ReleaseExchange(true);
  watch_->Close();
  loop_.connections.erase(self);
  --loop_.load;
  core_.admission.Leave(address_);
}

// --- reading ---

bool Connection::WantsInput() const {
  switch (stage_) {
    case Stage::kHandshake:
    case Stage::kLinger:
      return true;
    case Stage::kHead:
      return out_pending_.empty();
    case Stage::kBody:
      return !body_paused_ && !body_failed_;
    case Stage::kBusy:
    case Stage::kClosed:
      return false;
  }
  return false;
}

void Connection::ArmRead() {
  if (read_armed_ || !WantsInput()) return;
  read_armed_ = true;
  watch_->WhenReadable(shared_from_this());
}

void Connection::OnReadable() {
  read_armed_ = false;
  for (int i = 0; i < kReadsPerTurn && WantsInput(); ++i) {
    if (stage_ == Stage::kLinger) {
      if (!Discard(fd_, loop_.received)) return Close();
      break;
    }
    const ssize_t n = recv(fd_, loop_.received.data(), loop_.received.size(), 0);
    if (n == 0) return OnEof();
    if (n < 0) {
      if (errno == EAGAIN || errno == EINTR) break;
      return Close();
    }
    const auto size = static_cast<std::size_t>(n);
    read_rate_.Moved(size);
    OnInput(ByteSpan(loop_.received).first(size));
    if (size < loop_.received.size()) break;
  }
  ArmRead();
}

void Connection::OnInput(ByteSpan input) {
  if (tls_ == nullptr) return OnPlain(input);
  loop_.tls.in = input;
  if (stage_ == Stage::kHandshake) {
    const TlsChannel::Outcome outcome = tls_->Handshake();
    Flush();
    if (outcome == TlsChannel::Outcome::kNeedInput) return;
    if (outcome != TlsChannel::Outcome::kDone || !FinishHandshake()) return Close();
  }
  while (stage_ != Stage::kClosed && stage_ != Stage::kLinger) {
    std::size_t size = 0;
    const TlsChannel::Outcome outcome = tls_->Read(loop_.plain, size);
    if (size > 0) OnPlain(ByteSpan(loop_.plain).first(size));
    if (outcome == TlsChannel::Outcome::kDone) continue;
    // Anything that TLS itself has to say: an alert, an answer to a key update.
    if (stage_ != Stage::kClosed) Flush();
    if (outcome == TlsChannel::Outcome::kClosed) return OnEof();
    if (outcome == TlsChannel::Outcome::kFailed) return Close();
    break;
  }
  // What this connection leaves behind must not reach the next one that uses the buffers.
  loop_.tls.in = {};
  loop_.tls.out.clear();
}

bool Connection::FinishHandshake() {
  std::shared_ptr<PeerCertificate> peer = tls_->Peer();
  if (peer == nullptr && listener_.client_certificate_required) return false;
  ++core_.counters.handshakes;
  if (tls_->resumed()) ++core_.counters.handshakes_resumed;
  if (peer != nullptr && listener_.options.authenticate) {
    auto attachment = listener_.options.authenticate(*peer);
    peer_refused_ = !attachment.has_value();
    if (attachment) peer->attachment = *std::move(attachment);
  }
  peer_ = std::move(peer);
  stage_ = Stage::kHead;
  since_ = loop_.now;
  return true;
}

void Connection::OnEof() {
  if (stage_ == Stage::kBusy) return;  // only the client's side is closed: it may still listen
  Close();
}

void Connection::OnPlain(ByteSpan input) {
  while (true) {
    if (stage_ == Stage::kClosed || stage_ == Stage::kLinger || body_failed_) return;
    if (stage_ == Stage::kBusy || (stage_ == Stage::kHead && !out_pending_.empty())) {
      Append(backlog_, input);
      return;
    }
    const RequestReader::Step step = reader_.Next(input);
    input = input.subspan(step.consumed);
    switch (step.event) {
      case RequestReader::Event::kNeedMore:
        if (stage_ == Stage::kHead && !head_started_ && reader_.in_head()) {
          head_started_ = true;
          since_ = loop_.now;
        }
        // A chunked body that did not come at once is read by its handler as it comes.
        if (stage_ == Stage::kBody && !dispatched_ && !exchange_->content_length) Dispatch(true);
        return;
      case RequestReader::Event::kHead:
        OnHead(!input.empty());
        break;
      case RequestReader::Event::kBody:
        OnBody(step.body);
        break;
      case RequestReader::Event::kEnd:
        if (exchange_ != nullptr) OnBodyEnd();
        break;
      case RequestReader::Event::kRefused:
        if (stage_ == Stage::kBody)
          return FailBody(InvalidArgument(std::string(step.refusal.detail)));
        return RefuseMalformed(step.refusal.status, step.refusal.detail);
    }
  }
}

// --- writing ---

void Connection::PumpOutput() {
  std::size_t turn_bytes = 0;
  while (out_pending_.empty() && exchange_ != nullptr && stage_ != Stage::kClosed) {
    if (turn_bytes > kWritesPerTurn) return Schedule();  // the others get their turn
    if (outgoing_.empty() && !TakeOutput()) {
      if (output_ended_) FinishExchange(false);
      return;
    }
    std::size_t sent = 0;
    const std::string& first = outgoing_.front();
    const std::size_t left = first.size() - outgoing_offset_;
    if (left >= kReadBytes || outgoing_.size() == 1) {
      sent = std::min(left, kReadBytes);
      SendPlain(AsBytes(first).subspan(outgoing_offset_, sent));
      if (stage_ == Stage::kClosed) return;  // and outgoing_ is gone
      outgoing_offset_ += sent;
      if (sent == left) DropSent();
    } else {
      // Many small pieces go out in one record and one send.
      loop_.gathered.clear();
      while (!outgoing_.empty() && loop_.gathered.size() < kReadBytes / 2) {
        Append(loop_.gathered, AsBytes(outgoing_.front()).subspan(outgoing_offset_));
        DropSent();
      }
      sent = loop_.gathered.size();
      SendPlain(loop_.gathered);
      WipeMemory(loop_.gathered.data(), loop_.gathered.size());
      if (loop_.gathered.capacity() > 4 * kReadBytes) Bytes().swap(loop_.gathered);
    }
    if (stage_ == Stage::kClosed) return;
    turn_bytes += sent;
    std::lock_guard lock(exchange_->mutex);
    exchange_->output_bytes -= sent;
    if (exchange_->output_bytes <= kQueueBytes) exchange_->changed.notify_all();
  }
}

// DropSent forgets the first piece. Answers can hold keys, so what was sent is wiped.
void Connection::DropSent() {
  WipeMemory(outgoing_.front().data(), outgoing_.front().size());
  outgoing_.pop_front();
  outgoing_offset_ = 0;
}

// TakeOutput fetches what the handler has written since; false: nothing.
bool Connection::TakeOutput() {
  std::lock_guard lock(exchange_->mutex);
  outgoing_.swap(exchange_->output);
  output_ended_ = exchange_->output_ended;
  return !outgoing_.empty();
}

void Connection::SendPlain(ByteSpan bytes) {
  if (tls_ == nullptr) {
    loop_.tls.out.assign(bytes.begin(), bytes.end());
  } else if (tls_->Write(bytes) != TlsChannel::Outcome::kDone) {
    loop_.tls.out.clear();
    return Close();
  }
  Flush();
}

bool Connection::SendAll(ByteSpan bytes, std::size_t& sent) {
  sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN;
    sent += static_cast<std::size_t>(n);
  }
  return true;
}

void Connection::Flush() {
  Bytes& out = loop_.tls.out;
  if (out.empty()) return;
  if (out_pending_.empty()) {
    std::size_t sent = 0;
    if (!SendAll(out, sent)) {
      out.clear();
      return Close();
    }
    out_pending_.assign(out.begin() + static_cast<std::ptrdiff_t>(sent), out.end());
  } else {
    Append(out_pending_, out);
  }
  out.clear();
  if (!out_pending_.empty() && !write_armed_ && stage_ != Stage::kClosed) {
    write_armed_ = true;
    watch_->WhenWritable(shared_from_this());
  }
}

void Connection::OnWritable() {
  write_armed_ = false;
  if (stage_ == Stage::kClosed) return;
  std::size_t sent = 0;
  if (!SendAll(out_pending_, sent)) return Close();
  write_rate_.Moved(sent);
  if (sent < out_pending_.size()) {
    out_pending_.erase(out_pending_.begin(),
                       out_pending_.begin() + static_cast<std::ptrdiff_t>(sent));
    write_armed_ = true;
    watch_->WhenWritable(shared_from_this());
    return;
  }
  Bytes().swap(out_pending_);
  if (closing_) return StartLinger();
  if (exchange_ != nullptr) return Advance();
  if (stage_ == Stage::kHead) {
    const Bytes ahead = std::exchange(backlog_, {});
    OnPlain(ahead);
  }
  ArmRead();
}

void Connection::FinishExchange(bool cut) {
  bool close;
  {
    std::lock_guard lock(exchange_->mutex);
    close = exchange_->close_after || stage_ == Stage::kBody;
    cut = cut || exchange_->output_cut;
  }
  ReleaseExchange(false);
  if (cut) return Close();
  if (close) {
    closing_ = true;
    return StartLinger();
  }
  stage_ = Stage::kHead;
  head_started_ = false;
  since_ = loop_.now;
  if (*core_.draining) return BeginDrain();
  if (!backlog_.empty()) {
    const Bytes ahead = std::exchange(backlog_, {});
    OnPlain(ahead);
  }
}

void Connection::ReleaseExchange(bool aborted) {
  if (exchange_ == nullptr) return;
  {
    std::lock_guard lock(exchange_->mutex);
    exchange_->aborted = exchange_->aborted || aborted;
    exchange_->sink = nullptr;
    if (aborted) exchange_->output.clear();
  }
  exchange_->changed.notify_all();
  if (counted_) --core_.counters.in_flight;
  core_.whole_body_bytes -= std::exchange(reserved_bytes_, 0);
  exchange_ = nullptr;
  route_ = nullptr;
  received_bytes_ = 0;
  counted_ = dispatched_ = refused_ = body_paused_ = body_failed_ = false;
  continue_owed_ = continue_sent_ = output_ended_ = false;
  while (!outgoing_.empty()) DropSent();
}

void Connection::StartLinger() {
  if (!out_pending_.empty() || stage_ == Stage::kLinger || stage_ == Stage::kClosed) return;
  stage_ = Stage::kLinger;
  since_ = loop_.now;
  if (tls_ != nullptr) {
    tls_->CloseNotify();
    Flush();
  }
  if (stage_ == Stage::kClosed) return;
  shutdown(fd_, SHUT_WR);
  ArmRead();
}

}  // namespace salus::http
