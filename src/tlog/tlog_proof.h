// TlogProof shows offline that an entry is in a log: its index, the path, and a cosigned
// checkpoint.
//
// Source: C2SP tlog-proof; file extension .tlog-proof.
// Shape:  "c2sp.org/tlog-proof@v1", optional "extra BASE64", "index N", up to 63 base64 hashes, an
//         empty line, the checkpoint verbatim.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "merkle/proof.h"
#include "tlog/checkpoint.h"
#include "tlog/policy.h"

namespace salus::tlog {

struct TlogProof {
  std::optional<Bytes> extra;  // authenticated by nothing
  merkle::LeafIndex index;
  merkle::InclusionProof proof;
  Note checkpoint;

  // Errors: InvalidArgument, for anything that ToText would not write.
  static Result<TlogProof> Parse(std::string_view text);
  std::string ToText() const;

  // Verify checks the checkpoint under the policy, and that the leaf is in its tree at the index.
  // Errors: VerificationFailed; InvalidArgument when the index is outside the tree.
  Result<VerifiedCheckpoint> Verify(const merkle::LeafHash& leaf, const Policy& policy) const;

  friend bool operator==(const TlogProof&, const TlogProof&) = default;
};

}  // namespace salus::tlog
