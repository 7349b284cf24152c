// Edited changes the hashes of a proof as an input says: what is nearly right is what a verifier
// must tell from what is right.
#pragma once

#include <utility>
#include <vector>

#include "fuzz_input.h"
#include "merkle/hash.h"

namespace salus::fuzz {

inline std::vector<merkle::NodeHash> Edited(std::vector<merkle::NodeHash> hashes, Input& input) {
  const std::uint8_t edits = input.U8() % 4;
  for (std::uint8_t i = 0; i < edits && !hashes.empty(); ++i) {
    const std::size_t at = input.U8() % hashes.size();
    const auto place = hashes.begin() + static_cast<std::ptrdiff_t>(at);
    switch (input.U8() % 4) {
      case 0:
        hashes[at].data()[input.U8() % 32] ^= input.U8();
        break;
      case 1:
        hashes.erase(place);
        break;
      case 2:
        hashes.insert(place, merkle::NodeHash(hashes[at]));
        break;
      case 3:
        std::swap(*place, hashes.front());
        break;
    }
  }
  return hashes;
}

}  // namespace salus::fuzz
