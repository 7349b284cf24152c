// DataCheck verifies a whole data directory from its bytes: what was stored is what was signed, and
// every derived file says the same. It changes nothing, and goes on after a finding where it can.
//
// Source: protocol.md P2 to P5; `salus audit verify --data`, `salus log fsck`.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "audit/verify.h"
#include "base/clock.h"
#include "base/result.h"

namespace salus::node {

// CheckSeverity says what a finding means.
enum class CheckSeverity {
  kNotice,    // worth knowing; nothing is wrong
  kDerived,   // a derived file is wrong: `salus log fsck --rebuild` makes it anew
  kTampered,  // signed or recorded bytes are not what they were
};

// CheckFinding is one thing that was found.
struct CheckFinding {
  CheckSeverity severity = CheckSeverity::kTampered;
  std::string what;  // one sentence
  std::string file;  // path inside the data directory; empty: none in particular
  std::optional<std::uint64_t> entry;
  // The newest checkpoint that still fits: what came before it is as it was signed.
  std::optional<std::uint64_t> good_size;
  std::optional<Timestamp> good_time;
  std::string advice;  // what to do
};

// DataCheckReport is the whole result.
struct DataCheckReport {
  std::vector<CheckFinding> findings;
  std::uint64_t entries = 0;    // read and hashed
  std::uint64_t map_roots = 0;  // kind 3 entries replayed
  std::uint64_t subjects = 0;
  std::uint64_t checkpoints = 0;  // signatures verified
  // The newest checkpoint whose signature and root hold; empty where there is none.
  std::optional<audit::KnownCheckpoint> newest;
  // The remembered checkpoint this was compared with; nullopt: a rollback could not be seen.
  std::optional<audit::KnownCheckpoint> compared;

  bool is_clean() const;
};

// DataCheckOptions of one run.
struct DataCheckOptions {
  // known is what this device remembers of the log that the directory says it is; it may refuse.
  std::function<Result<std::optional<audit::KnownCheckpoint>>(const audit::PinnedLog& log)> known;
  // done and total entries.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

// CheckData reads everything in the directory. Works beside a running server: it reads up to the
// published checkpoint.
//
// Errors: NotFound when it is no data directory; Unavailable when the disk fails. What is wrong
// with
//         the data is a finding, not an error.
Result<DataCheckReport> CheckData(const std::string& directory, const DataCheckOptions& options);

}  // namespace salus::node
