#include "aggregate/dap_report.h"

#include <algorithm>
#include <iterator>

#include "aggregate/dap_wire.h"
#include "aggregate/share_access.h"

namespace salus::aggregate {
namespace {

struct ErrorName {
  ReportError error;
  std::string_view name;
  int value_18;  // -1: the version has none
  int value_09;
};

// Source: DAP-18 section 4.1; DAP-09 section 4.5.1.2. An error that DAP-09 lacks is written as the
// one there that means the same to the leader: do not send this report again.
constexpr ErrorName kErrors[] = {
    {ReportError::kBatchCollected, "batch_collected", 1, 0},
    {ReportError::kReportReplayed, "report_replayed", 2, 1},
    {ReportError::kReportDropped, "report_dropped", 3, 2},
    {ReportError::kHpkeUnknownConfigId, "hpke_unknown_config_id", 4, 3},
    {ReportError::kHpkeDecryptError, "hpke_decrypt_error", 5, 4},
    {ReportError::kVdafVerifyError, "vdaf_verify_error", 6, 5},
    {ReportError::kTaskExpired, "task_expired", 7, 7},
    {ReportError::kInvalidMessage, "invalid_message", 8, 8},
    {ReportError::kReportTooEarly, "report_too_early", 9, 9},
    {ReportError::kTaskNotStarted, "task_not_started", 10, -1},
    {ReportError::kOutdatedConfig, "outdated_config", 11, -1},
    {ReportError::kBatchSaturated, "batch_saturated", -1, 6},
};

const ErrorName& Entry(ReportError error) {
  const auto found = std::ranges::find(kErrors, error, &ErrorName::error);
  CHECK(found != std::end(kErrors));
  return *found;
}

int WireValue(DapVersion version, const ErrorName& entry) {
  return version == DapVersion::k18 ? entry.value_18 : entry.value_09;
}

Result<DapReport> ReadReport(DapReader& in, DapVersion version) {
  DapReport report;
  TRY(report.metadata, ReadMetadata(in, version));
  TRY(const ByteSpan public_share, in.Vector<std::uint32_t>("public_share"));
  report.public_share = ToBytes(public_share);
  TRY(report.leader_share, ReadCiphertext(in));
  TRY(report.helper_share, ReadCiphertext(in));
  return report;
}

void WriteReport(DapWriter& out, DapVersion version, const DapReport& report) {
  WriteMetadata(out, version, report.metadata);
  out.Vector<std::uint32_t>(report.public_share);
  WriteCiphertext(out, report.leader_share);
  WriteCiphertext(out, report.helper_share);
}

}  // namespace

std::string_view ReportErrorName(ReportError error) { return Entry(error).name; }

Result<ReportError> ReadReportError(DapReader& in, DapVersion version, UnknownErrors unknown) {
  TRY(const std::uint8_t value, in.U8("report_error"));
  for (const ErrorName& entry : kErrors) {
    if (WireValue(version, entry) == value) return entry.error;
  }
  if (unknown == UnknownErrors::kAsDropped) return ReportError::kReportDropped;
  return in.Fault("report_error", "no error has this value");
}

void WriteReportError(DapWriter& out, DapVersion version, ReportError error) {
  int value = WireValue(version, Entry(error));
  if (value < 0) value = WireValue(version, Entry(ReportError::kReportDropped));
  out.U8(static_cast<std::uint8_t>(value));
}

Result<ReportMetadata> ReadMetadata(DapReader& in, DapVersion version) {
  ReportMetadata metadata;
  TRY(metadata.id, in.ReadId<ReportId>("report_id"));
  TRY(metadata.time, in.U64("time"));
  if (version == DapVersion::k18) {
    TRY(metadata.public_extensions, ReadExtensions(in, "public_extensions"));
  }
  return metadata;
}

void WriteMetadata(DapWriter& out, DapVersion version, const ReportMetadata& metadata) {
  out.Fixed(metadata.id.span());
  out.Be(metadata.time);
  if (version == DapVersion::k18) {
    WriteExtensions(out, metadata.public_extensions);
  } else {
    CHECK(metadata.public_extensions.empty());
  }
}

Result<ReportMetadata> ReportMetadata::Parse(DapVersion version, ByteSpan bytes) {
  return ParseWhole("ReportMetadata", bytes,
                    [&](DapReader& in) { return ReadMetadata(in, version); });
}

Bytes ReportMetadata::Encode(DapVersion version) const {
  DapWriter out;
  WriteMetadata(out, version, *this);
  return std::move(out).Take();
}

Result<DapReport> DapReport::Parse(DapVersion version, ByteSpan bytes) {
  return ParseWhole("Report", bytes, [&](DapReader& in) { return ReadReport(in, version); });
}

Bytes DapReport::Encode(DapVersion version) const {
  DapWriter out;
  WriteReport(out, version, *this);
  return std::move(out).Take();
}

Result<UploadRequest> UploadRequest::Parse(DapVersion version, ByteSpan bytes) {
  return ParseWhole("UploadRequest", bytes, [&](DapReader& in) -> Result<UploadRequest> {
    UploadRequest request;
    while (!in.AtEnd() || (version == DapVersion::k09 && request.reports.empty())) {
      if (request.reports.size() == kMaxDapReports) {
        return in.Fault("reports", "more than 8192; upload them a part at a time");
      }
      TRY(DapReport report, ReadReport(in, version));
      request.reports.push_back(std::move(report));
      if (version == DapVersion::k09) break;
    }
    return request;
  });
}

Bytes UploadRequest::Encode(DapVersion version) const {
  CHECK(version == DapVersion::k18 || reports.size() == 1);
  DapWriter out;
  for (const DapReport& report : reports) WriteReport(out, version, report);
  return std::move(out).Take();
}

Result<UploadErrors> UploadErrors::Parse(ByteSpan bytes) {
  return ParseWhole("UploadErrors", bytes, [](DapReader& in) -> Result<UploadErrors> {
    UploadErrors errors;
    while (!in.AtEnd()) {
      Status& status = errors.statuses.emplace_back();
      TRY(status.id, in.ReadId<ReportId>("id"));
      TRY(status.error, ReadReportError(in, DapVersion::k18));
    }
    return errors;
  });
}

Bytes UploadErrors::Encode() const {
  DapWriter out;
  for (const Status& status : statuses) {
    out.Fixed(status.id.span());
    WriteReportError(out, DapVersion::k18, status.error);
  }
  return std::move(out).Take();
}

Result<PlaintextInputShare> PlaintextInputShare::Parse(DapVersion version,
                                                       const SecretBytes& bytes) {
  return ParseWhole("PlaintextInputShare", bytes.view(ShareAccess::Token()),
                    [&](DapReader& in) -> Result<PlaintextInputShare> {
                      PlaintextInputShare share;
                      TRY(share.private_extensions, ReadExtensions(in, "private_extensions"));
                      TRY(const ByteSpan payload,
                          in.Vector<std::uint32_t>("payload", MinPayloadBytes(version)));
                      share.payload = SecretBytes(payload);
                      return share;
                    });
}

SecretBytes PlaintextInputShare::Encode(DapVersion version) const {
  CHECK(payload.size() >= MinPayloadBytes(version) && payload.size() <= UINT32_MAX);
  DapWriter head;
  WriteExtensions(head, private_extensions);
  head.Be(static_cast<std::uint32_t>(payload.size()));
  const Bytes front = std::move(head).Take();
  SecretBytes out(front.size() + payload.size());
  const MutableByteSpan view = out.mutable_view(ShareAccess::Token());
  std::ranges::copy(front, view.begin());
  std::ranges::copy(payload.view(ShareAccess::Token()), view.begin() + front.size());
  return out;
}

}  // namespace salus::aggregate
