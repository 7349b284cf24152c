// RateGuard notices a peer that moves too little while we wait for it.
//
// Shape:   at least ServerLimits::rate_bytes in each ServerLimits::rate_window.
// Threads: its connection's loop.
#pragma once

#include <chrono>
#include <cstddef>

#include "http/server.h"

namespace salus::http {

class RateGuard {
 public:
  void Moved(std::size_t bytes) { bytes_ += bytes; }

  // TooSlow is asked now and then. A wait that goes on is cut into windows: true at the end of one
  // in which too little moved.
  bool TooSlow(bool is_waiting, std::chrono::steady_clock::time_point now,
               const ServerLimits& limits) {
    using TimePoint = std::chrono::steady_clock::time_point;
    if (!is_waiting || start_ == TimePoint{}) {
      start_ = is_waiting ? now : TimePoint{};
      bytes_ = 0;
      return false;
    }
    if (now - start_ < limits.rate_window) return false;
    const bool is_too_slow = bytes_ < limits.rate_bytes;
    start_ = now;
    bytes_ = 0;
    return is_too_slow;
  }

 private:
  std::chrono::steady_clock::time_point start_{};
  std::size_t bytes_ = 0;
};

}  // namespace salus::http
