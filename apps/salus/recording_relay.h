// RecordingRelay is an eavesdropper: it stands between clients and a server of this machine, passes
// every byte on, and keeps a copy.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::cli {

// Captured is what one connection carried.
struct Captured {
  Bytes from_client;
  Bytes from_server;
};

// Threads: one of its own.
class RecordingRelay {
 public:
  // Start listens on a free port of 127.0.0.1, and connects to the server on that address.
  //
  // Errors: Unavailable.
  static Result<std::unique_ptr<RecordingRelay>> Start(std::uint16_t server_port);
  ~RecordingRelay();
  RecordingRelay(const RecordingRelay&) = delete;
  RecordingRelay& operator=(const RecordingRelay&) = delete;

  std::uint16_t port() const;
  // Stop cuts what is open, and returns what was heard.
  std::vector<Captured> Stop();

 private:
  struct State;
  explicit RecordingRelay(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace salus::cli
