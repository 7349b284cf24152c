// Acceptor accepts the connections of one listening socket on a loop.
//
// Source:  none.
// Shape:   at most 64 connections a turn.
// Threads: its loop's.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "http/event_loop.h"

namespace salus::http {

class Acceptor final : public FdHandler, public std::enable_shared_from_this<Acceptor> {
 public:
  // Take gets a new non-blocking socket, without delay of small segments, and owns it.
  using Take = std::function<void(int fd, std::string address)>;

  Acceptor(EventLoop& loop, int listening_fd, Take take);

  // Arm waits for connections; call it on every tick too, which goes on after the process was out
  // of descriptors.
  void Arm();
  void Close();
  void OnReadable() override;
  void OnWritable() override {}

 private:
  const Take take_;
  const std::unique_ptr<FdWatch> watch_;
  bool armed_ = false;
  bool closed_ = false;
};

// ResetOnClose makes the close of a socket a reset: what its peer does not take is not kept for it.
void ResetOnClose(int fd);

// Discard throws away what has come, of a peer that is still to get the last answer: a close now
// would destroy it. buffer is only passed through. False: the peer is done, or gone.
bool Discard(int fd, MutableByteSpan buffer);

// RefuseConnection closes with a reset, so that the client knows at once, and nothing lingers.
void RefuseConnection(int fd);

}  // namespace salus::http
