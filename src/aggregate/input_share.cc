#include "aggregate/input_share.h"

#include "aggregate/dap_binding.h"

namespace salus::aggregate {

std::optional<ReportError> CheckReport(const OpenTask& task, const ReportMetadata& metadata,
                                       Timestamp now) {
  const std::optional<std::uint64_t> second = task.task().UnixSeconds(metadata.time);
  const auto latest = std::chrono::floor<std::chrono::seconds>(now) + kClockSkew;
  if (!second || *second > static_cast<std::uint64_t>(latest.time_since_epoch().count())) {
    return ReportError::kReportTooEarly;
  }
  if (const auto& interval = task.task().interval()) {
    if (metadata.time < interval->start) {
      return task.version() == DapVersion::k18 ? ReportError::kTaskNotStarted
                                               : ReportError::kReportDropped;
    }
    if (!interval->Contains(metadata.time)) return ReportError::kTaskExpired;
  }
  if (!metadata.public_extensions.empty()) return ReportError::kInvalidMessage;
  return std::nullopt;
}

std::expected<SecretBytes, ReportError> OpenInputShare(const OpenTask& task,
                                                       const HpkeKeyRing& keys,
                                                       const ReportMetadata& metadata,
                                                       ByteSpan public_share,
                                                       const HpkeCiphertext& sealed) {
  const DapHpkeKey* const key = keys.Find(sealed.config_id);
  if (key == nullptr) {
    return std::unexpected(task.version() == DapVersion::k18 ? ReportError::kHpkeDecryptError
                                                             : ReportError::kHpkeUnknownConfigId);
  }
  const Bytes info = InputShareInfo(task.version(), task.config().role);
  const Bytes aad = InputShareAad(task.task(), metadata, public_share);
  const auto plaintext = key->Open(info, aad, sealed);
  if (!plaintext) return std::unexpected(ReportError::kHpkeDecryptError);
  auto share = PlaintextInputShare::Parse(task.version(), *plaintext);
  if (!share || !share->private_extensions.empty()) {
    return std::unexpected(ReportError::kInvalidMessage);
  }
  const std::uint8_t aggregator = task.is_leader() ? 0 : 1;
  if (share->payload.size() != task.prio3().input_share_bytes(aggregator) ||
      public_share.size() != task.prio3().public_share_bytes()) {
    return std::unexpected(ReportError::kInvalidMessage);
  }
  return std::move(share->payload);
}

}  // namespace salus::aggregate
