// AcmeReport is why the ACME client failed, taken from what it printed.
//
// Source: uacme 1.7 with three --verbose (each answer's headers are printed); a problem document is
//         RFC 8555 section 6.7.
// Shape:  reason is one sentence without a full stop, printable ASCII, at most kMaxReasonBytes.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace salus::proxy {

inline constexpr std::size_t kMaxReasonBytes = 400;

struct AcmeReport {
  std::string reason;
  // retry_after is what the last answer asked for, where it refused (429 or 503).
  std::optional<std::chrono::seconds> retry_after;
  // is_unknown_account: the authority does not know the account key.
  bool is_unknown_account = false;

  // Parse reads any text: what can't be understood gives a reason that says so.
  static AcmeReport Parse(std::string_view output, Timestamp now);
};

}  // namespace salus::proxy
