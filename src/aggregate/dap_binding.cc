#include "aggregate/dap_binding.h"

#include "aggregate/dap_wire.h"

namespace salus::aggregate {
namespace {

Bytes Info(DapVersion version, std::string_view what, DapRole sender, DapRole recipient) {
  Bytes info = ToBytes(VersionTag(version));
  Append(info, AsBytes(what));
  info.push_back(static_cast<std::uint8_t>(sender));
  info.push_back(static_cast<std::uint8_t>(recipient));
  return info;
}

}  // namespace

Bytes InputShareInfo(DapVersion version, DapRole recipient) {
  return Info(version, " input share", DapRole::kClient, recipient);
}

Bytes AggregateShareInfo(DapVersion version, DapRole sender) {
  return Info(version, " aggregate share", sender, DapRole::kCollector);
}

Bytes EncodeInputShareAad(DapVersion version, const TaskId& task_id, ByteSpan configuration,
                          const ReportMetadata& metadata, ByteSpan public_share) {
  DapWriter out;
  out.Fixed(task_id.span());
  if (version == DapVersion::k18) out.Fixed(configuration);
  WriteMetadata(out, version, metadata);
  out.Vector<std::uint32_t>(public_share);
  return std::move(out).Take();
}

Bytes EncodeAggregateShareAad(DapVersion version, const TaskId& task_id, ByteSpan configuration,
                              const CollectionJobReq& request, const DapBatchSelector& batch) {
  DapWriter out;
  out.Fixed(task_id.span());
  if (version == DapVersion::k18) {
    out.Fixed(configuration);
    WriteCollectionJobReq(out, version, request);
  } else {
    out.Vector<std::uint32_t>(request.agg_param);
    WriteBatchSelector(out, version, batch);
  }
  return std::move(out).Take();
}

}  // namespace salus::aggregate
