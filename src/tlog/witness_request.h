// AddCheckpointRequest is what a log asks a witness to cosign, and the forms of the answers.
//
// Source: C2SP tlog-witness.
// Shape:  "old N", up to 63 base64 hashes of a consistency proof, an empty line, the checkpoint.
// The
//         answer is signature lines (200), or the size that the witness knows (409, with the type
//         text/x.tlog.size).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "merkle/proof.h"
#include "tlog/checkpoint.h"

namespace salus::tlog {

struct AddCheckpointRequest {
  TreeSize old_size;
  merkle::ConsistencyProof proof;
  SignedCheckpoint checkpoint;

  // Errors: InvalidArgument (an answer of 400). That old_size fits the checkpoint is for the
  // witness to say, in the order in which the specification wants it.
  static Result<AddCheckpointRequest> Parse(std::string_view body);
  std::string ToText() const;
};

// TreeSizeBody is the body of a 409 answer. Errors of its parser: InvalidArgument.
std::string TreeSizeBody(TreeSize size);
Result<TreeSize> ParseTreeSizeBody(std::string_view body);

// MonitoringPath is where a witness shows its newest checkpoint of a log, below its monitoring
// prefix: the lower-case hex SHA-256 of the origin, "/checkpoint".
std::string MonitoringPath(std::string_view origin);

}  // namespace salus::tlog
