#include "aggregate/dap_task_configuration.h"

#include <algorithm>

#include "aggregate/dap_wire.h"

namespace salus::aggregate {
Result<TaskConfiguration> ReadTaskConfiguration(DapReader& in) {
  TaskConfiguration task;
  TRY(const ByteSpan task_info, in.Vector<std::uint8_t>("task_info", 1));
  task.task_info = ToBytes(task_info);
  TRY(const ByteSpan leader, in.Vector<std::uint16_t>("leader_aggregator_endpoint", 1));
  task.leader_url = AsText(leader);
  TRY(const ByteSpan helper, in.Vector<std::uint16_t>("helper_aggregator_endpoint", 1));
  task.helper_url = AsText(helper);
  TRY(task.time_precision, in.U64("time_precision"));
  TRY(task.min_batch_size, in.U64("min_batch_size"));
  TRY(task.batch_mode, ReadBatchMode(in));
  TRY(const ByteSpan batch_config, in.Vector<std::uint16_t>("batch_config"));
  task.batch_config = ToBytes(batch_config);
  TRY(task.vdaf_type, in.U32("vdaf_type"));
  TRY(const ByteSpan vdaf, in.Vector<std::uint16_t>("vdaf_configuration"));
  task.vdaf_configuration = ToBytes(vdaf);
  TRY(task.extensions, ReadExtensions(in, "extensions"));
  if (!InStrictOrder(task.extensions)) {
    return in.Fault("extensions", "they are not in the order of their types, each once");
  }
  const auto interval = std::ranges::find(task.extensions, TaskConfiguration::kIntervalExtension,
                                          &DapExtension::type);
  if (interval != task.extensions.end() && !DapInterval::Parse(interval->data)) {
    return in.Fault("task_interval", "an interval is 16 bytes");
  }
  return task;
}

Result<TaskConfiguration> TaskConfiguration::Parse(ByteSpan bytes) {
  return ParseWhole("TaskConfiguration", bytes, ReadTaskConfiguration);
}

Bytes TaskConfiguration::Encode() const {
  CHECK(InStrictOrder(extensions));
  DapWriter out;
  out.Vector<std::uint8_t>(task_info, 1);
  out.Vector<std::uint16_t>(AsBytes(leader_url), 1);
  out.Vector<std::uint16_t>(AsBytes(helper_url), 1);
  out.Be(time_precision);
  out.Be(min_batch_size);
  out.U8(static_cast<std::uint8_t>(batch_mode));
  out.Vector<std::uint16_t>(batch_config);
  out.Be(vdaf_type);
  out.Vector<std::uint16_t>(vdaf_configuration);
  WriteExtensions(out, extensions);
  return std::move(out).Take();
}

Bytes EncodeVdafConfiguration(const VdafInstance& vdaf) {
  DapWriter out;
  switch (vdaf.circuit) {
    case Circuit::kCount:
      break;
    case Circuit::kSum:
    case Circuit::kMeanVar:
      out.Be(vdaf.max_measurement);
      break;
    case Circuit::kSumVec:
      out.Be(vdaf.length);
      out.Be(vdaf.max_measurement);
      out.Be(vdaf.chunk_length);
      break;
    case Circuit::kHistogram:
      out.Be(vdaf.length);
      out.Be(vdaf.chunk_length);
      break;
    case Circuit::kMultihotCountVec:
      out.Be(vdaf.length);
      out.Be(vdaf.chunk_length);
      out.Be(std::uint64_t{vdaf.max_weight});
      break;
    case Circuit::kLinReg:
      out.Be(vdaf.length);
      out.Be(vdaf.max_measurement);
      break;
  }
  return std::move(out).Take();
}

}  // namespace salus::aggregate
