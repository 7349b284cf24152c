// JoinedSessions remembers which sums an identity has taken part in, so that no host gets a second
// sum over the same people less one.
#pragma once

#include <string>

#include "aggregate/peer_roster.h"
#include "base/result.h"
#include "pki/identity_directory.h"

namespace salus::cli {

// JoinedSessions is the file IDENTITY/sums.txt.
//
// Source: docs/decisions/0037-peers-in-a-star.md: a host that hides the last sums and calls
//         somebody lost would learn that one's value from a second session.
// Shape:  a line a session: its id, the roster's hash and the host's fingerprint in hex, and the
//         title, which goes to the end of the line.
class JoinedSessions {
 public:
  // Open reads the file of an identity; there may be none yet.
  //
  // Errors: Corruption when a line is none of ours; Unavailable.
  static Result<JoinedSessions> Open(const pki::IdentityDirectory& identity);

  // Check refuses a session that was joined before.
  //
  // Errors: FailedPrecondition.
  Result<void> Check(const aggregate::PeerRoster& roster) const;

  // HasLike says whether a sum of that title was joined at that host before.
  bool HasLike(const aggregate::PeerRoster& roster) const;

  // Remember is called before a report leaves; once is enough.
  //
  // Durability: on disk when it returns.
  // Errors: ResourceExhausted, Unavailable: nothing may be sent then.
  Result<void> Remember(const aggregate::PeerRoster& roster);

 private:
  JoinedSessions(std::string path, std::string lines)
      : path_(std::move(path)), lines_(std::move(lines)) {}
  std::string path_;
  std::string lines_;  // each with its LF
};

}  // namespace salus::cli
