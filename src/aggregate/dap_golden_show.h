// Shows each message of DAP as the golden files name its fields; test code only.
//
// Shape: bytes as hexadecimal text, integers of 32 bits as numbers, of 64 bits as decimal text.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregate/dap_aggregation.h"
#include "aggregate/dap_collection.h"
#include "aggregate/dap_hpke_config.h"
#include "aggregate/dap_report.h"
#include "aggregate/dap_task_configuration.h"
#include "aggregate/ping_pong.h"
#include "aggregate/share_access.h"
#include "crypto/vector_files.h"

namespace salus::aggregate {

using crypto::testing::Hex;
using Json = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;

inline std::string Text(std::uint64_t number) { return std::to_string(number); }

inline Json Show(const DapInterval& interval) {
  return Object{{"start", Text(interval.start)}, {"duration", Text(interval.duration)}};
}

inline Json Show(const DapExtension& extension) {
  return Object{{"extension_type", extension.type}, {"extension_data", Hex(extension.data)}};
}

inline Json Show(const HpkeCiphertext& ciphertext) {
  return Object{{"config_id", ciphertext.config_id},
                {"enc", Hex(ciphertext.enc)},
                {"payload", Hex(ciphertext.payload)}};
}

template <typename T, typename... More>
inline Json ShowAll(const std::vector<T>& list, More... more) {
  Array array;
  for (const T& one : list) array.push_back(Show(one, more...));
  return array;
}

inline Json Show(const DapHpkeConfig& config) {
  return Object{{"id", config.id},
                {"kem_id", config.kem_id},
                {"kdf_id", config.kdf_id},
                {"aead_id", config.aead_id},
                {"public_key", Hex(config.public_key)}};
}

inline Json Show(const HpkeConfigList& list) { return Object{{"configs", ShowAll(list.configs)}}; }

inline Json Show(const ReportMetadata& metadata, DapVersion version) {
  Object object{{"report_id", Hex(metadata.id.span())}, {"time", Text(metadata.time)}};
  if (version == DapVersion::k18) {
    object["public_extensions"] = ShowAll(metadata.public_extensions);
  }
  return object;
}

inline Json Show(const DapReport& report, DapVersion version) {
  return Object{{"report_metadata", Show(report.metadata, version)},
                {"public_share", Hex(report.public_share)},
                {"leader_encrypted_input_share", Show(report.leader_share)},
                {"helper_encrypted_input_share", Show(report.helper_share)}};
}

inline Json Show(const UploadRequest& request, DapVersion version) {
  return Object{{"reports", ShowAll(request.reports, version)}};
}

inline std::string ErrorText(ReportError error, DapVersion version) {
  const std::string_view name = ReportErrorName(error);
  return version == DapVersion::k09 && name == "vdaf_verify_error" ? "vdaf_prep_error"
                                                                   : std::string(name);
}

inline Json Show(const UploadErrors::Status& status) {
  return Object{{"id", Hex(status.id.span())}, {"error", ErrorText(status.error, DapVersion::k18)}};
}

inline Json Show(const UploadErrors& errors) {
  return Object{{"status", ShowAll(errors.statuses)}};
}

inline Json Show(const PlaintextInputShare& share, DapVersion version) {
  return Object{{version == DapVersion::k18 ? "private_extensions" : "extensions",
                 ShowAll(share.private_extensions)},
                {"payload", Hex(share.payload.view(ShareAccess::Token()))}};
}

inline Json Show(const TaskConfiguration& task) {
  return Object{{"task_info", Hex(task.task_info)},
                {"leader_aggregator_endpoint", Hex(AsBytes(task.leader_url))},
                {"helper_aggregator_endpoint", Hex(AsBytes(task.helper_url))},
                {"time_precision", Text(task.time_precision)},
                {"min_batch_size", Text(task.min_batch_size)},
                {"batch_mode",
                 task.batch_mode == BatchMode::kTimeInterval ? "time_interval" : "leader_selected"},
                {"batch_config", Hex(task.batch_config)},
                {"vdaf_type", task.vdaf_type},
                {"vdaf_configuration", Hex(task.vdaf_configuration)},
                {"extensions", ShowAll(task.extensions)}};
}

inline Json Show(const DapReportShare& share, DapVersion version) {
  return Object{{"report_metadata", Show(share.metadata, version)},
                {"public_share", Hex(share.public_share)},
                {"encrypted_input_share", Show(share.encrypted_input_share)}};
}

inline Json Show(const VerifyInit& init, DapVersion version) {
  return Object{{"report_share", Show(init.report_share, version)}, {"payload", Hex(init.payload)}};
}

// DAP-09: the mode, and the batch in one of them.
inline Json ShowPartial(const std::optional<BatchId>& batch_id) {
  if (!batch_id) return Object{{"query_type", "time_interval"}};
  return Object{{"query_type", "fixed_size"}, {"batch_id", Hex(batch_id->span())}};
}

inline Json Show(const AggregationJobInitReq& request, DapVersion version) {
  if (version == DapVersion::k09) {
    return Object{{"agg_param", Hex(request.agg_param)},
                  {"part_batch_selector", ShowPartial(request.batch_id)},
                  {"prepare_inits", ShowAll(request.verify_inits, version)}};
  }
  Array extensions;
  if (request.batch_id) {
    extensions.push_back(Show(DapExtension{1, ToBytes(request.batch_id->span())}));
  }
  for (const DapExtension& other : request.extensions) extensions.push_back(Show(other));
  return Object{{"verification_key_id", request.verification_key_id},
                {"agg_param", Hex(request.agg_param)},
                {"extensions", extensions},
                {"verify_inits", ShowAll(request.verify_inits, version)}};
}

inline Json Show(const VerifyContinue& step, DapVersion) {
  return Object{{"report_id", Hex(step.id.span())}, {"payload", Hex(step.payload)}};
}

inline Json Show(const AggregationJobContinueReq& request, DapVersion version) {
  return Object{{"step", request.step},
                {version == DapVersion::k18 ? "verify_continues" : "prepare_continues",
                 ShowAll(request.verify_continues, version)}};
}

inline Json Show(const VerifyResp& resp, DapVersion version) {
  const bool is_18 = version == DapVersion::k18;
  Object object{{"report_id", Hex(resp.id.span())}};
  const std::string_view type = is_18 ? "verify_resp_type" : "prepare_resp_state";
  switch (resp.type) {
    case VerifyRespType::kContinue:
      object[type] = "continue";
      object["payload"] = Hex(resp.payload);
      break;
    case VerifyRespType::kFinish:
      object[type] = is_18 ? "finish" : "finished";
      break;
    case VerifyRespType::kReject:
      object[type] = "reject";
      object[is_18 ? "report_error" : "prepare_error"] = ErrorText(resp.error, version);
      break;
  }
  return object;
}

inline Json Show(const AggregationJobResp& resp, DapVersion version) {
  return Object{{version == DapVersion::k18 ? "verify_resps" : "prepare_resps",
                 ShowAll(resp.verify_resps, version)}};
}

inline Json ShowMode(BatchMode mode, std::string_view config) {
  return Object{
      {"batch_mode", mode == BatchMode::kTimeInterval ? "time_interval" : "leader_selected"},
      {"config", config}};
}

inline Json Show(const DapQuery& query, DapVersion version) {
  const bool is_time = query.mode == BatchMode::kTimeInterval;
  if (version == DapVersion::k18) {
    return ShowMode(query.mode, is_time ? Hex(query.interval.Encode()) : "");
  }
  if (is_time) {
    return Object{{"query_type", "time_interval"}, {"batch_interval", Show(query.interval)}};
  }
  Object fixed{{"query_type", query.batch_id ? "by_batch_id" : "current_batch"}};
  if (query.batch_id) fixed["batch_id"] = Hex(query.batch_id->span());
  return Object{{"query_type", "fixed_size"}, {"fixed_size_query", fixed}};
}

inline Json Show(const DapBatchSelector& selector, DapVersion version) {
  const bool is_time = selector.mode == BatchMode::kTimeInterval;
  if (version == DapVersion::k18) {
    return ShowMode(selector.mode,
                    is_time ? Hex(selector.interval.Encode()) : Hex(selector.batch_id.span()));
  }
  if (is_time) {
    return Object{{"query_type", "time_interval"}, {"batch_interval", Show(selector.interval)}};
  }
  return ShowPartial(selector.batch_id);
}

inline Json Show(const CollectionJobReq& request, DapVersion version) {
  Object object{{"query", Show(request.query, version)}, {"agg_param", Hex(request.agg_param)}};
  if (version == DapVersion::k18) object["extensions"] = ShowAll(request.extensions);
  return object;
}

inline Json Show(const CollectionJobResp& resp, DapVersion version) {
  Object object{{"report_count", Text(resp.report_count)},
                {"interval", Show(resp.interval)},
                {"leader_encrypted_agg_share", Show(resp.leader_share)},
                {"helper_encrypted_agg_share", Show(resp.helper_share)}};
  if (version == DapVersion::k09) object["part_batch_selector"] = ShowPartial(resp.batch_id);
  return object;
}

inline Json Show(const AggregateShareReq& request, DapVersion version) {
  Object object{{"batch_selector", Show(request.batch_selector, version)},
                {"report_count", Text(request.report_count)},
                {"checksum", Hex(request.checksum)}};
  if (version == DapVersion::k18) {
    object["collection_job_req"] = Show(request.collection_job_req, version);
  } else {
    object["agg_param"] = Hex(request.collection_job_req.agg_param);
  }
  return object;
}

inline Json Show(const DapAggregateShare& share) {
  return Object{{"encrypted_aggregate_share", Show(share.encrypted_aggregate_share)}};
}

inline Json Show(const PingPongMessage& message, DapVersion version) {
  const bool is_18 = version == DapVersion::k18;
  static constexpr std::string_view kTypes[] = {"initialize", "continue", "finish"};
  Object object{{"type", kTypes[static_cast<int>(message.type)]}};
  if (message.type != PingPongType::kInitialize) {
    object[is_18 ? "verifier_message" : "prep_msg"] = Hex(message.verifier_message);
  }
  if (message.type != PingPongType::kFinish) {
    object[is_18 ? "verifier_share" : "prep_share"] = Hex(message.verifier_share);
  }
  return object;
}

}  // namespace salus::aggregate
