// ReplayStore remembers across restarts which messages of the file exchange were carried out.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "jose/secure_message.h"

namespace salus::api {

// ReplayStore notes a message together with its outcome, so that one which was interrupted can be
// taken up again. An act that would have another effect the second time is noted before, as begun:
// whoever finds it so after a crash does not carry it out, and says so.
//
// Shape:      DIR/exchange.seen: lines "<time in ms> <hex of the first 16 bytes of
//             SHA-256(sender || 00 || id)>", with " begun" behind until the outcome is noted. It
//             shows nobody's name. What is older than any message may be is dropped, at the start
//             and whenever the file has grown to twice of what is still needed.
// Durability: what Begin and Finish note is on disk when they return.
// Threads:    safe to share.
class ReplayStore final : public jose::ReplayGuard {
 public:
  // kPruneLines is how long the file grows at least before it is written anew.
  static constexpr std::size_t kPruneLines = 256;

  // Open reads what is there. A last line that is torn was never acted on: it is dropped, with a
  // warning in the log.
  //
  // Errors: Corruption with the number of a line that is not ours; Unavailable when the file can't
  //         be read or written.
  static Result<std::unique_ptr<ReplayStore>> Open(const std::string& path, const Clock& clock);
  ~ReplayStore() override;

  // Accept notes nothing.
  //
  // Errors: AlreadyExists when Finish was called for the message.
  Result<void> Accept(std::string_view sender, std::string_view id, Timestamp time) override;

  // WasBegun says that the message was begun and has no outcome.
  bool WasBegun(const jose::SecureMessageHeader& message);

  // Errors: Unavailable when it can't be written: then the message must not be carried out.
  Result<void> Begin(const jose::SecureMessageHeader& message);
  // Errors: Unavailable when it can't be written: then it is known until the next start.
  Result<void> Finish(const jose::SecureMessageHeader& message);

 private:
  using Key = std::array<std::uint8_t, 16>;
  struct Seen {
    std::int64_t time_ms = 0;
    bool is_done = true;
  };
  using SeenMap = std::map<Key, Seen>;

  ReplayStore(std::string path, const Clock& clock, SeenMap seen)
      : path_(std::move(path)), clock_(clock), seen_(std::move(seen)) {}

  static Key KeyOf(std::string_view sender, std::string_view id);
  static std::string LineOf(const Key& key, const Seen& seen);
  static bool ReadLine(std::string_view line, SeenMap& seen);
  static Result<SeenMap> ReadAll(const std::string& path);
  Result<void> Note(const jose::SecureMessageHeader& message, bool is_done);
  Result<void> Append(const std::string& line);  // under mutex_
  Result<void> Rewrite();                        // under mutex_

  const std::string path_;
  const Clock& clock_;
  std::mutex mutex_;
  SeenMap seen_;                          // by mutex_
  int descriptor_ = -1;                   // by mutex_
  std::int64_t size_bytes_ = 0;           // by mutex_: of whole lines
  bool is_torn_ = false;                  // by mutex_: there may be more than that
  std::size_t lines_ = 0;                 // by mutex_
  std::size_t rewrite_at_ = kPruneLines;  // by mutex_
};

}  // namespace salus::api
