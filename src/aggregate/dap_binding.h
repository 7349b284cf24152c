// InputShareInfo and its kin are the info and aad of what DAP seals: the task, the roles and the
// message that a ciphertext belongs to.
//
// Source: DAP-18 sections 4.4.2.1 and 4.6.7; DAP-09 sections 4.4.2 and 4.6.4.
// Shape:  info is "dap-18 input share" || sender || recipient, and "dap-18 aggregate share"
//         likewise, the roles a byte each; aad is the encoding of InputShareAad or
//         AggregateShareAad.
#pragma once

#include "aggregate/dap_collection.h"
#include "aggregate/dap_id.h"
#include "aggregate/dap_report.h"
#include "aggregate/dap_task.h"
#include "aggregate/dap_version.h"
#include "base/bytes.h"

namespace salus::aggregate {

// From the client to an aggregator.
Bytes InputShareInfo(DapVersion version, DapRole recipient);
// From an aggregator to the collector.
Bytes AggregateShareInfo(DapVersion version, DapRole sender);

// EncodeInputShareAad takes the encoded TaskConfiguration, which DAP-09 does not bind.
Bytes EncodeInputShareAad(DapVersion version, const TaskId& task_id, ByteSpan configuration,
                          const ReportMetadata& metadata, ByteSpan public_share);
inline Bytes InputShareAad(const DapTask& task, const ReportMetadata& metadata,
                           ByteSpan public_share) {
  return EncodeInputShareAad(task.version(), task.id(), task.configuration(), metadata,
                             public_share);
}

// EncodeAggregateShareAad binds the collector's whole request in DAP-18, its aggregation parameter
// and the batch in DAP-09.
Bytes EncodeAggregateShareAad(DapVersion version, const TaskId& task_id, ByteSpan configuration,
                              const CollectionJobReq& request, const DapBatchSelector& batch);
inline Bytes AggregateShareAad(const DapTask& task, const CollectionJobReq& request,
                               const DapBatchSelector& batch) {
  return EncodeAggregateShareAad(task.version(), task.id(), task.configuration(), request, batch);
}

}  // namespace salus::aggregate
