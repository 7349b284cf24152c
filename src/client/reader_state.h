// ReaderState is what this device has verified of one log, and will not be talked out of: the
// newest checkpoint, and each chain that it has asked about. Without it a rollback can't be seen.
//
// Source: protocol.md P6.3; design.md section 3; docs/formats/client-state.md.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "audit/verify.h"
#include "base/result.h"

namespace salus::client {

// ReaderState is one log's folder.
//
// Shape:      FOLDER/<hash of origin>/checkpoint (JSON) and chains/<hash of subject>
//             (EncodeKnownChain); a hash is 16 bytes of SHA-256 in hex.
// Threads:    one thread; processes take turns under a lock file.
// Durability: synced before a Remember returns.
class ReaderState {
 public:
  // Open makes nothing. OfUser is Open under StateHome.
  //
  // Errors: VerificationFailed when this device remembers another key under the same origin;
  //         Corruption when what is remembered can't be read: says what removing it costs.
  static Result<ReaderState> Open(const std::filesystem::path& root, const audit::PinnedLog& log);
  static Result<ReaderState> OfUser(const audit::PinnedLog& log);

  // checkpoint is the newest one that was known at Open or was remembered since.
  const std::optional<audit::KnownCheckpoint>& checkpoint() const { return checkpoint_; }
  // Chain is empty (count 0) for a subject that was never asked about. Errors: Corruption.
  Result<audit::KnownChain> Chain(const audit::Subject& subject) const;

  // Remember stores what a verification has shown; an older checkpoint never replaces a newer one.
  //
  // Errors: VerificationFailed when another tree of the same size is remembered: the log has shown
  //         two faces. As ReplaceFile.
  Result<void> Remember(const audit::KnownCheckpoint& checkpoint);
  // RememberChain likewise: of two chains the longer one stays, with the questions of both.
  //
  // Errors: VerificationFailed when another chain of the same length is remembered.
  Result<void> RememberChain(const audit::Subject& subject, const audit::KnownChain& chain) const;

  const std::filesystem::path& folder() const { return folder_; }

 private:
  ReaderState(std::filesystem::path folder, const audit::PinnedLog& log)
      : folder_(std::move(folder)), origin_(log.origin), log_vkey_(log.log_vkey) {}
  Result<std::optional<audit::KnownCheckpoint>> ReadCheckpoint() const;
  std::filesystem::path ChainPath(const audit::Subject& subject) const;

  std::filesystem::path folder_;
  std::string origin_;
  std::string log_vkey_;
  std::optional<audit::KnownCheckpoint> checkpoint_;
};

}  // namespace salus::client
