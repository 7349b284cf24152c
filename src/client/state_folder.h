// StateFolder is what this device has verified of one log, and will not be talked out of: the
// newest checkpoint, and of each subject asked about how long its chain was.
//
// Source: protocol.md P6.3; docs/formats/client-state.md.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "audit/receipt.h"
#include "audit/verify.h"
#include "base/result.h"

namespace salus::client {

// KeptQuery is one own question, whose entry must stay in the chain, with the receipt that shows
// it.
struct KeptQuery {
  merkle::LeafIndex index;
  merkle::LeafHash leaf;
  audit::Receipt receipt;
};

// RememberedChain is what was verified of one subject's chain.
struct RememberedChain {
  std::uint64_t count = 0;
  merkle::ChainHead head;
  std::vector<KeptQuery> queries;  // by rising index

  // Known is what VerifyHistory asks for.
  audit::KnownChain Known() const;
};

// Remembered says what became of something handed to StateFolder.
enum class Remembered {
  kStored,
  kOlder,  // another process has seen more meanwhile; nothing was changed
};

// StateFolder is one log's folder.
//
// Shape:      FOLDER/checkpoint is the note as it was verified; FOLDER/chains/<b64url tag>.json is
//             {"count","head","queries":[{"index","leaf","note","first","own","beside"}]}.
// Threads:    safe, also between processes: changes are made under a lock file.
// Durability: synced before a Remember returns.
class StateFolder {
 public:
  // Open makes ROOT/<hex SHA-256 of origin>/.
  //
  // Errors: Unavailable when the folder can't be made.
  static Result<StateFolder> Open(const std::filesystem::path& root, std::string_view origin);
  // OfUser is Open under StateHome.
  static Result<StateFolder> OfUser(std::string_view origin);

  // Checkpoint is nullopt when none was ever verified.
  //
  // Errors: Corruption when the file is no checkpoint of this log: says what removing it costs.
  Result<std::optional<audit::KnownCheckpoint>> Checkpoint() const;

  // Remember stores a checkpoint that the caller has verified, with its consistency.
  //
  // Errors: VerificationFailed when one of the same size with another root is remembered: the log
  //         has shown two faces. As ReplaceFile.
  Result<Remembered> Remember(const audit::KnownCheckpoint& checkpoint);

  // Chain is empty (count 0) for a subject never asked about. head is then all zero.
  //
  // Errors: Corruption.
  Result<RememberedChain> Chain(const audit::SubjectTag& tag) const;

  // RememberChain stores a verified chain; queries already remembered stay.
  //
  // Errors: VerificationFailed when a chain of the same length with another head is remembered.
  Result<Remembered> RememberChain(const audit::SubjectTag& tag, const RememberedChain& chain);

  const std::filesystem::path& path() const { return path_; }

 private:
  StateFolder(std::filesystem::path path, std::string origin)
      : path_(std::move(path)), origin_(std::move(origin)) {}
  std::filesystem::path ChainPath(const audit::SubjectTag& tag) const;

  std::filesystem::path path_;
  std::string origin_;
};

}  // namespace salus::client
