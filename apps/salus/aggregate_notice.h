// AggregateNotice announces a sum in the log before anybody takes part, and says there what came of
// it, where the host names a place.
#pragma once

#include "aggregate/peer_result.h"
#include "aggregate/peer_roster.h"
#include "apps/salus/session.h"

namespace salus::cli {

class AggregateNotice {
 public:
  AggregateNotice(Session& session, const aggregate::PeerRoster& roster)
      : session_(session), roster_(roster) {}

  // Announce and Conclude do nothing without --data or --server. A data directory is locked while
  // they run only.
  //
  // Errors: those of the place; Conflict when the log has other words about this session.
  Result<void> Announce();
  Result<void> Conclude(const aggregate::PeerResult& result, ByteSpan transcript);

 private:
  bool is_wanted() const;
  std::string Publisher() const;

  Session& session_;
  const aggregate::PeerRoster& roster_;
};

}  // namespace salus::cli
