// HashReader is where proof builders find the hashes of perfect subtrees: tiles, memory, segments.
#pragma once

#include "base/result.h"
#include "merkle/types.h"

namespace salus::merkle {

class HashReader {
 public:
  virtual ~HashReader() = default;

  // Read returns the hash of the perfect subtree of 2^level leaves that begins at leaf
  // index * 2^level; level 0 are the leaf hashes. A proof for size n asks for nodes inside n only.
  // Errors: NotFound when the subtree is not complete; what the store behind it reports.
  virtual Result<NodeHash> Read(unsigned level, std::uint64_t index) const = 0;
};

}  // namespace salus::merkle
