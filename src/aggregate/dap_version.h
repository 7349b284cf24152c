// DapVersion is a wire version of DAP; a task has one, and every message of it is read and written
// in that one.
#pragma once

#include <cstdint>
#include <string_view>

#include "aggregate/vdaf_instance.h"

namespace salus::aggregate {

// Source: draft-ietf-ppm-dap-18, and draft-ietf-ppm-dap-09, which deployed clients speak.
enum class DapVersion : std::uint8_t { k18 = 18, k09 = 9 };

// ProfileOf is the VDAF that a version of DAP carries: draft-20's wire with DAP-18, draft-08's with
// DAP-09.
constexpr VdafProfile ProfileOf(DapVersion version) {
  return version == DapVersion::k18 ? VdafProfile::kDraft20 : VdafProfile::kDraft08;
}

// VersionTag begins what is signed or bound in a version: "dap-18", "dap-09".
constexpr std::string_view VersionTag(DapVersion version) {
  return version == DapVersion::k18 ? "dap-18" : "dap-09";
}

// DapRole is who speaks, or is spoken to; the values are on the wire.
enum class DapRole : std::uint8_t { kCollector = 0, kClient = 1, kLeader = 2, kHelper = 3 };

// BatchMode is how reports come into batches: by the time they were made, or as the leader likes
// (DAP-09: fixed size). The values are on the wire.
enum class BatchMode : std::uint8_t { kTimeInterval = 1, kLeaderSelected = 2 };

}  // namespace salus::aggregate
