// TaskConfiguration is what every party of a task must agree on to open what another has sealed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aggregate/dap_extension.h"
#include "aggregate/dap_interval.h"
#include "aggregate/dap_version.h"
#include "aggregate/vdaf_instance.h"
#include "base/bytes.h"
#include "base/result.h"

namespace salus::aggregate {

// TaskConfiguration is never sent: its encoding is bound into each sealed share, so that a party
// with another configuration can't open it. DAP-09 has none.
//
// Source: DAP-18 section 4.2 and Appendix B (VDAF configurations).
// Shape:  task_info 1 to 255 bytes; URLs 1 to 2^16-1; time_precision in seconds; extensions in
//         strict order.
// Errors: Parse gives InvalidArgument with the field and the offset.
struct TaskConfiguration {
  static constexpr std::uint16_t kIntervalExtension = 1;

  Bytes task_info;
  std::string leader_url;
  std::string helper_url;
  std::uint64_t time_precision = 0;
  std::uint64_t min_batch_size = 0;
  BatchMode batch_mode = BatchMode::kTimeInterval;
  Bytes batch_config;  // empty in both modes
  std::uint32_t vdaf_type = 0;
  Bytes vdaf_configuration;
  std::vector<DapExtension> extensions;

  static Result<TaskConfiguration> Parse(ByteSpan bytes);
  Bytes Encode() const;

  friend bool operator==(const TaskConfiguration&, const TaskConfiguration&) = default;
};

// EncodeVdafConfiguration is the limits of a circuit as its configuration holds them. For our own
// circuits: MeanVar as Sum; LinReg the length as uint32, then max_measurement.
Bytes EncodeVdafConfiguration(const VdafInstance& vdaf);

}  // namespace salus::aggregate
