// AggregationJobInitReq and its kin are what leader and helper say to each other of reports.
//
// Source: DAP-18 sections 4.5.3 and 4.5.4; DAP-09 sections 4.5.1 and 4.5.2, where verify is called
//         prepare.
// Shape:  as dap_report.h says. Payloads are ping-pong messages (ping_pong.h), of at least one byte
//         in DAP-18. Lists may be empty in DAP-18, and hold at least one element in DAP-09.
// Errors: Parse gives InvalidArgument with the field and the offset.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "aggregate/dap_extension.h"
#include "aggregate/dap_id.h"
#include "aggregate/dap_report.h"
#include "aggregate/dap_version.h"
#include "base/bytes.h"
#include "base/result.h"

namespace salus::aggregate {

// DapReportShare is the helper's part of a report.
struct DapReportShare {
  ReportMetadata metadata;
  Bytes public_share;
  HpkeCiphertext encrypted_input_share;

  static Result<DapReportShare> Parse(DapVersion version, ByteSpan bytes);
  Bytes Encode(DapVersion version) const;

  friend bool operator==(const DapReportShare&, const DapReportShare&) = default;
};

struct VerifyInit {
  DapReportShare report_share;
  Bytes payload;

  static Result<VerifyInit> Parse(DapVersion version, ByteSpan bytes);
  Bytes Encode(DapVersion version) const;

  friend bool operator==(const VerifyInit&, const VerifyInit&) = default;
};

// AggregationJobInitReq opens a job.
//
// Shape: batch_id is set in the leader-selected mode and only there: DAP-18 carries it as the
//        extension leader_selected_batch_id (1), DAP-09 in its partial batch selector. extensions
//        are all others, in strict order (Parse refuses any other order), and only in DAP-18, as is
//        verification_key_id. Whether ids are distinct and the mode is the task's is for the helper
//        to say.
struct AggregationJobInitReq {
  static constexpr std::uint16_t kBatchIdExtension = 1;

  std::uint8_t verification_key_id = 0;
  Bytes agg_param;  // empty for Prio3
  std::optional<BatchId> batch_id;
  std::vector<DapExtension> extensions;
  std::vector<VerifyInit> verify_inits;

  static Result<AggregationJobInitReq> Parse(DapVersion version, ByteSpan bytes);
  Bytes Encode(DapVersion version) const;

  friend bool operator==(const AggregationJobInitReq&, const AggregationJobInitReq&) = default;
};

struct VerifyContinue {
  ReportId id;
  Bytes payload;

  static Result<VerifyContinue> Parse(DapVersion version, ByteSpan bytes);
  Bytes Encode(DapVersion version) const;

  friend bool operator==(const VerifyContinue&, const VerifyContinue&) = default;
};

// AggregationJobContinueReq is never needed with Prio3, whose verification is one round.
struct AggregationJobContinueReq {
  std::uint16_t step = 0;
  std::vector<VerifyContinue> verify_continues;

  static Result<AggregationJobContinueReq> Parse(DapVersion version, ByteSpan bytes);
  Bytes Encode(DapVersion version) const;

  friend bool operator==(const AggregationJobContinueReq&,
                         const AggregationJobContinueReq&) = default;
};

// VerifyRespType is what the helper says of one report; the values are on the wire.
enum class VerifyRespType : std::uint8_t { kContinue = 0, kFinish = 1, kReject = 2 };

struct VerifyResp {
  ReportId id;
  VerifyRespType type = VerifyRespType::kReject;
  Bytes payload;                                    // kContinue
  ReportError error = ReportError::kReportDropped;  // kReject

  static VerifyResp Continue(const ReportId& id, Bytes payload);
  static VerifyResp Finish(const ReportId& id);
  static VerifyResp Reject(const ReportId& id, ReportError error);

  static Result<VerifyResp> Parse(DapVersion version, ByteSpan bytes);
  Bytes Encode(DapVersion version) const;

  friend bool operator==(const VerifyResp&, const VerifyResp&) = default;
};

struct AggregationJobResp {
  std::vector<VerifyResp> verify_resps;

  // A leader reads errors that it does not know as report_dropped, so that a newer helper's answer
  // is one; that is then not what Encode writes.
  static Result<AggregationJobResp> Parse(DapVersion version, ByteSpan bytes,
                                          UnknownErrors unknown = UnknownErrors::kRefuse);
  Bytes Encode(DapVersion version) const;

  friend bool operator==(const AggregationJobResp&, const AggregationJobResp&) = default;
};

}  // namespace salus::aggregate
