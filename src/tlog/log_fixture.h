// LogFixture is a log in memory with a turned clock, a plain signer and ready-made submissions:
// what the log's tests share.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "crypto/ed25519.h"
#include "storage/memory_file_system.h"
#include "tlog/log.h"

namespace salus::tlog {

// LoggedEvent is what a submitter was told.
struct LoggedEvent {
  LeafIndex index;
  LeafHash leaf_hash;
  SubjectTag tag;
};

class LogFixture {
 public:
  LogFixture();

  LogOptions Options();
  CheckpointSigner Signer() const;
  Result<void> Create(storage::FileSystem& fs);
  Result<std::unique_ptr<Log>> Open(storage::FileSystem& fs, bool read_only = false);

  static SubjectTag TagOf(std::uint64_t i);
  static RepeatKey KeyOf(std::uint64_t event, std::uint64_t content);
  // Event makes a submission of one entry for a subject, under a grant of its own epoch.
  std::unique_ptr<Submission> Event(Log& log, std::uint64_t subject, std::uint64_t event,
                                    std::uint64_t content = 0);
  std::shared_ptr<PendingGrant> Grant(Log& log, std::uint64_t subject);

  FakeClock clock{FromUnixMillis(1'763'596'800'000)};
  SeededRandom random{1};
  crypto::Ed25519PrivateKey key = crypto::Ed25519PrivateKey::Generate(random);
  std::map<std::uint64_t, std::shared_ptr<PendingGrant>> grants;
};

}  // namespace salus::tlog
