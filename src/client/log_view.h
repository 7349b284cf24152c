// LogView is the log as its public reads show it: every checkpoint it accepts is signed and
// cosigned as the pinned policy asks, and of one history with all that it accepted before.
#pragma once

#include <optional>
#include <string>

#include "audit/verify.h"
#include "base/result.h"
#include "client/connection.h"
#include "tlog/policy.h"

namespace salus::client {

// Threads: as the Connection, which must stay.
class LogView {
 public:
  // Open fetches the newest checkpoint; known is what this device remembers.
  //
  // Errors: as Accept and Connection::Checkpoint; InvalidArgument when the pinned policy is broken.
  static Result<LogView> Open(Connection& connection, const audit::PinnedLog& log,
                              const std::optional<audit::KnownCheckpoint>& known = std::nullopt);

  // Accept verifies a note, and that its tree and the newest one are of one history, with tiles
  // that are fetched for that.
  //
  // Errors: VerificationFailed: not signed, quorum not reached, another origin, or two histories;
  //         those of Connection::Tile.
  Result<audit::KnownCheckpoint> Accept(const std::string& note);

  // newest is the largest checkpoint accepted so far.
  const audit::KnownCheckpoint& newest() const { return newest_; }

 private:
  LogView(Connection& connection, tlog::Policy policy, std::string origin)
      : connection_(&connection), policy_(std::move(policy)), origin_(std::move(origin)) {}

  Connection* connection_;
  tlog::Policy policy_;
  std::string origin_;
  audit::KnownCheckpoint newest_;  // size 0: none yet
};

}  // namespace salus::client
