// ReplayStore remembers across restarts which messages of the file exchange were opened.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "jose/secure_message.h"

namespace salus::api {

// Shape:      DIR/exchange.seen: lines "<time in ms> <hex of the first 16 bytes of
//             SHA-256(sender || 00 || id)>". It shows nobody's name.
// Durability: an id is on disk before its message is carried out.
// Threads:    safe to share.
class ReplayStore final : public jose::ReplayGuard {
 public:
  // Open reads what is there and drops what is older than any message may be.
  //
  // Errors: Corruption for a line that is not ours; Unavailable when the file can't be written.
  static Result<std::unique_ptr<ReplayStore>> Open(const std::string& path, const Clock& clock);
  ~ReplayStore() override;

  // Errors: AlreadyExists; Unavailable when it can't be written.
  Result<void> Accept(std::string_view sender, std::string_view id, Timestamp time) override;

 private:
  explicit ReplayStore(int descriptor) : descriptor_(descriptor) {}

  const int descriptor_;
  std::mutex mutex_;
  std::set<std::string> seen_;  // by mutex_
};

}  // namespace salus::api
