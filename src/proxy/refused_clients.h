// RefusedClients counts clients whose certificate was refused, and tells it now and then, so that
// whoever knocks without end fills no log.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>

namespace salus::proxy {

// Threads: safe.
class RefusedClients {
 public:
  // Say gets one sentence; it must not block. False: it could not be told.
  using Say = std::function<bool(std::string_view sentence)>;
  static constexpr std::chrono::seconds kInterval{10};

  explicit RefusedClients(Say say) : say_(std::move(say)) {}

  void Note(std::string_view reason, std::chrono::steady_clock::time_point now);

 private:
  const Say say_;
  std::mutex mutex_;
  std::uint64_t untold_ = 0;                                        // guarded by mutex_
  std::optional<std::chrono::steady_clock::time_point> last_told_;  // guarded by mutex_
};

}  // namespace salus::proxy
