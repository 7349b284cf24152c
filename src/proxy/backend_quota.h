// BackendQuota bounds how many connections to the backend are in use at once, of all clients and of
// each address (IPv6: each /64), so that slow clients leave some of its workers to the others.
//
// Threads: safe. Take and GiveBack, which every request needs, take no lock.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "http/listening_socket.h"

namespace salus::proxy {

class BackendQuota {
 public:
  // Share is how many the clients of one address have.
  using Share = std::atomic<std::size_t>;

  BackendQuota(std::size_t total, std::size_t per_address)
      : total_(total), per_address_(per_address) {}

  // ShareOf finds what a client shares with others; it keeps it for as long as it is there.
  std::shared_ptr<Share> ShareOf(const std::string& address) {
    std::lock_guard lock(mutex_);
    if (shares_.size() >= sweep_at_) {
      std::erase_if(shares_, [](const auto& entry) { return entry.second.expired(); });
      sweep_at_ = std::max(kSweepAt, 2 * shares_.size());
    }
    std::weak_ptr<Share>& known = shares_[http::AddressGroup(address)];
    std::shared_ptr<Share> out = known.lock();
    if (out == nullptr) known = out = std::make_shared<Share>(0);
    return out;
  }

  // Take counts one in; false: there are too many.
  bool Take(Share& share) {
    if (share.fetch_add(1) < per_address_) {
      if (in_use_.fetch_add(1) < total_) return true;
      --in_use_;
    }
    --share;
    return false;
  }
  void GiveBack(Share& share) {
    --in_use_;
    --share;
  }

 private:
  static constexpr std::size_t kSweepAt = 1024;

  const std::size_t total_;
  const std::size_t per_address_;
  std::atomic<std::size_t> in_use_{0};
  std::mutex mutex_;
  std::size_t sweep_at_ = kSweepAt;                               // guarded by mutex_
  std::unordered_map<std::string, std::weak_ptr<Share>> shares_;  // guarded by mutex_
};

}  // namespace salus::proxy
