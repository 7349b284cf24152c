// BackendConnection is one connection to the backend: used for one exchange at a time, and kept for
// the next. Not a public header.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "http/event_loop.h"
#include "http/request_parser.h"
#include "proxy/proxy_loop.h"

namespace salus::proxy {

class BackendConnection final : public http::FdHandler,
                                public std::enable_shared_from_this<BackendConnection> {
 public:
  // Freshness: kUsed takes an unused connection where there is a quiet one.
  enum class Freshness { kUsed, kNew };
  // Take gives owner an unused connection, or one that is being made. nullptr: the backend refuses,
  // or the system has no socket: see the loop's connect_error.
  static std::shared_ptr<BackendConnection> Take(ProxyLoop& loop, ClientConnection& owner,
                                                 Freshness freshness);
  // PruneIdle closes what was not used for a while, or all.
  static void PruneIdle(ProxyLoop& loop, bool all);

  BackendConnection(ProxyLoop& loop, int fd);
  ~BackendConnection() override;

  // was_used: it has carried an exchange before this one.
  bool was_used() const { return was_used_; }
  // has_failed_to_connect: the loop's connect_error says why.
  bool has_failed_to_connect() const { return failed_to_connect_; }
  // is_congested: more than the socket takes is waiting, or it is not connected yet.
  bool is_congested() const { return !pending_.empty() || connecting_; }

  // Send takes all of bytes. After an error the rest is dropped: what the backend may have answered
  // before it closed is still read.
  void Send(ByteSpan bytes);
  // GiveBack makes it an unused one; Close ends it. Either way the owner is not called any more.
  void GiveBack();
  void Close();
  // ArmRead waits for bytes, unless the owner's client is congested.
  void ArmRead();

  void OnReadable() override;
  void OnWritable() override;

  http::RequestReader reader;

 private:
  static std::shared_ptr<BackendConnection> TakeIdle(ProxyLoop& loop);
  bool FinishConnect();
  bool IsQuiet() const;
  void ArmWrite();

  ProxyLoop& loop_;
  const std::unique_ptr<http::FdWatch> watch_;
  const int fd_;
  ClientConnection* owner_ = nullptr;  // null: unused, or closed
  bool connecting_ = false;
  bool failed_to_connect_ = false;
  bool was_used_ = false;
  bool closed_ = false;
  bool read_armed_ = false;
  bool write_armed_ = false;
  bool write_failed_ = false;
  TimePoint idle_since_{};
  Bytes pending_;
};

}  // namespace salus::proxy
