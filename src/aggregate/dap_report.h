// DapReport is what a client sends of one measurement: a share sealed to each aggregator.
//
// Source: DAP-18 sections 4.1 and 4.4.2; DAP-09 section 4.4.2.
// Shape:  TLS presentation language: integers big-endian, a length before each list. Every Parse
//         takes exactly one message, and Encode writes the bytes that it was read from.
// Errors: Parse gives InvalidArgument with the field and the offset of what is cut off, left over,
//         too long, too short or not one of its values; it never repeats what was sent.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "aggregate/dap_extension.h"
#include "aggregate/dap_id.h"
#include "aggregate/dap_version.h"
#include "aggregate/hpke_ciphertext.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::aggregate {

// A message over this is refused before it is looked at.
inline constexpr std::size_t kMaxDapMessageBytes = 64u << 20;

// Nor are there more reports than this in an upload or in an aggregation job.
inline constexpr std::size_t kMaxDapReports = 8192;

// ReportMetadata is what everybody on the way may read of a report.
//
// Shape: time is in the unit of DapInterval. DAP-09 has no public extensions. Their order and
//        their types are not checked here: one client's fault must not cost a whole job its reports
//        (section 4.5.3.4 rejects such a report alone).
struct ReportMetadata {
  ReportId id;
  std::uint64_t time = 0;
  std::vector<DapExtension> public_extensions;

  static Result<ReportMetadata> Parse(DapVersion version, ByteSpan bytes);
  Bytes Encode(DapVersion version) const;

  friend bool operator==(const ReportMetadata&, const ReportMetadata&) = default;
};

struct DapReport {
  ReportMetadata metadata;
  Bytes public_share;  // may be empty
  HpkeCiphertext leader_share;
  HpkeCiphertext helper_share;

  static Result<DapReport> Parse(DapVersion version, ByteSpan bytes);
  Bytes Encode(DapVersion version) const;

  friend bool operator==(const DapReport&, const DapReport&) = default;
};

// UploadRequest is the body of an upload: any number of reports one after another, but exactly one
// in DAP-09. Parse takes kMaxDapReports at most.
struct UploadRequest {
  std::vector<DapReport> reports;

  static Result<UploadRequest> Parse(DapVersion version, ByteSpan bytes);
  Bytes Encode(DapVersion version) const;

  friend bool operator==(const UploadRequest&, const UploadRequest&) = default;
};

// ReportError is why one report is refused. The values are DAP-18's; DAP-09 numbers them
// differently, has no last two, and alone has kBatchSaturated.
enum class ReportError : std::uint8_t {
  kBatchCollected = 1,
  kReportReplayed = 2,
  kReportDropped = 3,
  kHpkeUnknownConfigId = 4,
  kHpkeDecryptError = 5,
  kVdafVerifyError = 6,
  kTaskExpired = 7,
  kInvalidMessage = 8,
  kReportTooEarly = 9,
  kTaskNotStarted = 10,
  kOutdatedConfig = 11,
  kBatchSaturated = 255,  // DAP-09 only
};

// ReportErrorName is the draft's name, e.g. "report_replayed".
std::string_view ReportErrorName(ReportError error);

// UnknownErrors is what a reader does with a value that no error has.
enum class UnknownErrors : std::uint8_t {
  kRefuse,     // the message, as malformed
  kAsDropped,  // whatever it means, the report is refused
};

// UploadErrors is the answer to an upload of which some reports were refused: those, in the order
// of the request. When all were taken the body is empty. DAP-18 only.
struct UploadErrors {
  struct Status {
    ReportId id;
    ReportError error = ReportError::kReportDropped;

    friend bool operator==(const Status&, const Status&) = default;
  };
  std::vector<Status> statuses;

  static Result<UploadErrors> Parse(ByteSpan bytes);
  Bytes Encode() const;

  friend bool operator==(const UploadErrors&, const UploadErrors&) = default;
};

// PlaintextInputShare is what a report's ciphertext holds. It is a secret of one aggregator.
//
// Shape: payload of at least one byte in DAP-18. The extensions are as in ReportMetadata.
struct PlaintextInputShare {
  std::vector<DapExtension> private_extensions;
  SecretBytes payload;

  static Result<PlaintextInputShare> Parse(DapVersion version, const SecretBytes& bytes);
  SecretBytes Encode(DapVersion version) const;
};

}  // namespace salus::aggregate
