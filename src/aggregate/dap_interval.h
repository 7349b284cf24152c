// DapInterval is a span of time in the unit of its task.
#pragma once

#include <cstdint>
#include <limits>

#include "aggregate/dap_version.h"
#include "base/bytes.h"
#include "base/result.h"

namespace salus::aggregate {

// DapInterval contains its start and not its end.
//
// Source: DAP-18 section 4.1.1; DAP-09 section 4.
// Shape:  two uint64. DAP-18 counts both in time precisions of the task since 1970, DAP-09 in
//         seconds. An interval that would end after 2^64-1 is read, so that whoever asked for it
//         can be told that the batch is invalid, but contains nothing.
struct DapInterval {
  std::uint64_t start = 0;
  std::uint64_t duration = 0;

  static Result<DapInterval> Parse(ByteSpan bytes);
  Bytes Encode() const;

  bool is_well_formed() const {
    return duration > 0 && start <= std::numeric_limits<std::uint64_t>::max() - duration;
  }
  bool Contains(std::uint64_t time) const {
    return is_well_formed() && time >= start && time - start < duration;
  }
  // Contains is false also when either is not well-formed.
  bool Contains(const DapInterval& other) const {
    return is_well_formed() && other.is_well_formed() && other.start >= start &&
           other.start + other.duration <= start + duration;
  }
  bool Overlaps(const DapInterval& other) const {
    return is_well_formed() && other.is_well_formed() && other.start < start + duration &&
           start < other.start + other.duration;
  }

  friend bool operator==(const DapInterval&, const DapInterval&) = default;
};

}  // namespace salus::aggregate
