// CheckBoth is what every message of DAP is asked: what is read is written back to the same bytes.
#pragma once

#include "aggregate/dap_version.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/result.h"

namespace salus::aggregate {

template <typename T>
void CheckBoth(ByteSpan bytes) {
  for (const DapVersion version : {DapVersion::k18, DapVersion::k09}) {
    const Result<T> message = T::Parse(version, bytes);
    if (message) CHECK(Equal(message->Encode(version), bytes));
  }
}

}  // namespace salus::aggregate
