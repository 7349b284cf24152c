// DapExtension is what a message carries beyond its fields: mandatory to understand.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace salus::aggregate {

// DapExtension stands in reports, tasks, aggregation jobs and collection jobs, each with types of
// its own.
//
// Source: DAP-18 sections 4.2.2, 4.4.3, 4.5.1 and 4.6.2; DAP-09 section 4.4.3.
// Shape:  type uint16, data 0 to 2^16-1 bytes; at most kMaxDapExtensions in a list.
struct DapExtension {
  std::uint16_t type = 0;
  Bytes data;

  friend bool operator==(const DapExtension&, const DapExtension&) = default;
};

inline constexpr std::size_t kMaxDapExtensions = 64;

// InStrictOrder says that each type is greater than the one before, as DAP-18 asks of every list.
inline bool InStrictOrder(std::span<const DapExtension> extensions) {
  for (std::size_t i = 1; i < extensions.size(); ++i) {
    if (extensions[i].type <= extensions[i - 1].type) return false;
  }
  return true;
}

// HaveNoTypeTwice says that no type stands twice, in one list or across both.
inline bool HaveNoTypeTwice(std::span<const DapExtension> a, std::span<const DapExtension> b = {}) {
  for (std::size_t i = 0; i < a.size() + b.size(); ++i) {
    const std::uint16_t type = i < a.size() ? a[i].type : b[i - a.size()].type;
    for (std::size_t j = 0; j < i; ++j) {
      if ((j < a.size() ? a[j].type : b[j - a.size()].type) == type) return false;
    }
  }
  return true;
}

}  // namespace salus::aggregate
