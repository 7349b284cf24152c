// ReaderState is what this device remembers of one log: the newest checkpoint that it has verified,
// which never goes back, and each chain that it has verified. Without it a rollback can't be seen.
//
// Source: protocol.md P6.3; design.md section 3.
// Shape:  $XDG_STATE_HOME/salus/<hash of origin>/checkpoint (JSON) and chains/<hash of subject>
//         (EncodeKnownChain). Folders 0700. A log with the same origin and another key is refused.
#pragma once

#include <optional>
#include <string>

#include "audit/verify.h"
#include "base/result.h"

namespace salus::cli {

class ReaderState {
 public:
  // Errors: VerificationFailed when this device remembers another key under the same origin;
  //         Corruption when what is remembered can't be read.
  static Result<ReaderState> Open(const audit::PinnedLog& log);

  const std::optional<audit::KnownCheckpoint>& checkpoint() const { return checkpoint_; }
  // Chain is empty (count 0) for a subject that was never asked about.
  Result<audit::KnownChain> Chain(const audit::Subject& subject) const;

  // Remember stores what a verification has shown; an older checkpoint never replaces a newer one.
  Result<void> Remember(const audit::KnownCheckpoint& checkpoint);
  Result<void> RememberChain(const audit::Subject& subject, const audit::KnownChain& chain) const;

  const std::string& folder() const { return folder_; }

 private:
  std::string ChainPath(const audit::Subject& subject) const;

  std::string folder_;
  std::string origin_;
  std::string log_vkey_;
  std::optional<audit::KnownCheckpoint> checkpoint_;
};

}  // namespace salus::cli
