// AggregateNotice announces a sum in the log before anybody takes part, and says there what came of
// it, where the host names a place.
#pragma once

#include <string>

#include "aggregate/peer_result.h"
#include "aggregate/peer_roster.h"
#include "apps/salus/session.h"

namespace salus::cli {

// AggregateNotice works on the place of --data or --server. A data directory is locked while one of
// the calls runs only.
class AggregateNotice {
 public:
  AggregateNotice(Session& session, const aggregate::PeerRoster& roster)
      : session_(session), roster_(roster) {}

  // is_wanted: a flag names a place. The environment alone does not: to publish is an act.
  bool is_wanted() const;

  // Announce and Conclude return a sentence with the entry that says it. What stands there in the
  // same words is not said again: a host that broke off may announce its roster once more.
  //
  // Errors: those of the place; PermissionDenied says whom the log would believe; Conflict when it
  // has other words about this session.
  Result<std::string> Announce();
  Result<std::string> Conclude(const aggregate::PeerResult& result, ByteSpan transcript);

 private:
  std::string Publisher() const;
  Error WhyNot(Error error) const;

  Session& session_;
  const aggregate::PeerRoster& roster_;
};

}  // namespace salus::cli
