// The items of a transcript: a CBOR sequence (RFC 8742) of byte strings.
#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::aggregate {

inline constexpr std::size_t kMaxItemHead = 5;

// ItemHead is what stands before an item's bytes.
struct ItemHead {
  std::size_t head_bytes = 0;
  std::size_t size = 0;
};

// ReadItemHead reads it at the start of rest, which is not empty and may end anywhere.
//
// Errors: InvalidArgument where rest ends before the head does, for what begins no byte string, is
// not in the shortest form, or says more than 4 GiB.
Result<ItemHead> ReadItemHead(ByteSpan rest);

}  // namespace salus::aggregate
