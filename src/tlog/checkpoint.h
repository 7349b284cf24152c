// Checkpoint is the body of a signed note that says which tree a log has: origin, size, root.
//
// Source: C2SP tlog-checkpoint.
// Shape:  origin line, decimal size without leading zeros (2^63 at most), base64 root; then
// extension
//         lines, each non-empty. Every line ends in a newline.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "merkle/types.h"
#include "tlog/note.h"

namespace salus::tlog {

using merkle::RootHash;
using merkle::TreeSize;

// ParseDecimal reads a decimal number without leading zeros or signs, as all C2SP log formats write
// them. Errors: InvalidArgument, for one above 2^63 too.
Result<std::uint64_t> ParseDecimal(std::string_view text);

struct Checkpoint {
  std::string origin;
  TreeSize size;
  RootHash root;
  std::vector<std::string> extensions;

  // Errors: InvalidArgument, with the line. The root of an empty tree is not looked at here: a
  // witness answers a wrong one in its own way.
  static Result<Checkpoint> Parse(std::string_view body);
  // Body writes what Parse reads. The origin must be one line, not empty.
  std::string Body() const;

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// SignedCheckpoint is a note whose text is a checkpoint, not yet verified.
struct SignedCheckpoint {
  Note note;
  Checkpoint checkpoint;

  // Errors: InvalidArgument.
  static Result<SignedCheckpoint> Parse(std::string_view note);
};

}  // namespace salus::tlog
