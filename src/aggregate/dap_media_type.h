// DapMessageType names the messages that are the body of a request or an answer.
#pragma once

#include <cstdint>
#include <string_view>

#include "aggregate/dap_version.h"

namespace salus::aggregate {

enum class DapMessageType : std::uint8_t {
  kHpkeConfigList,
  kUploadRequest,
  kUploadErrors,  // DAP-18 only
  kAggregationJobInitReq,
  kAggregationJobContinueReq,
  kAggregationJobResp,
  kAggregateShareReq,
  kAggregateShare,
  kCollectionJobReq,
  kCollectionJobResp,
};

// MediaType is the Content-Type of a message.
//
// Source: DAP-18 section 9.1; DAP-09 section 8.1. kUploadErrors has none in DAP-09: empty.
std::string_view MediaType(DapVersion version, DapMessageType type);

}  // namespace salus::aggregate
