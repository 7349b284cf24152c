// Admission counts the open connections, of all and of each address (IPv6: each /64, which is what
// one subscriber has), and says when there are too many.
//
// Threads: safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>

#include "http/listening_socket.h"

namespace salus::http {

class Admission {
 public:
  Admission(std::size_t connections, std::size_t connections_per_address)
      : connections_(connections), per_address_(connections_per_address) {}

  // Admit counts a connection of an address in; false: too many. Leave counts it out.
  bool Admit(const std::string& address) {
    const std::string group = AddressGroup(address);
    std::lock_guard lock(mutex_);
    std::size_t& of_address = open_of_address_[group];
    if (open_ >= connections_ || of_address >= per_address_) {
      if (of_address == 0) open_of_address_.erase(group);
      return false;
    }
    ++of_address;
    ++open_;
    return true;
  }
  void Leave(const std::string& address) {
    const std::string group = AddressGroup(address);
    std::lock_guard lock(mutex_);
    if (--open_of_address_[group] == 0) open_of_address_.erase(group);
    --open_;
    left_.notify_all();
  }

  std::size_t open() const {
    std::lock_guard lock(mutex_);
    return open_;
  }
  // WaitUntilEmpty returns false when some are still open at the end of timeout.
  bool WaitUntilEmpty(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    return left_.wait_for(lock, timeout, [&] { return open_ == 0; });
  }

 private:
  const std::size_t connections_;
  const std::size_t per_address_;
  mutable std::mutex mutex_;
  std::condition_variable left_;
  std::unordered_map<std::string, std::size_t> open_of_address_;  // guarded by mutex_
  std::size_t open_ = 0;                                          // guarded by mutex_
};

}  // namespace salus::http
