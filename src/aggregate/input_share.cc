#include "aggregate/input_share.h"

#include "aggregate/dap_binding.h"
#include "crypto/hpke.h"

namespace salus::aggregate {
namespace {

// A plaintext without extensions: two lengths before the share. All AEADs of HPKE have the same
// tag.
constexpr std::size_t kFramingBytes = 2 + 4;
// Of X25519, which our keys are of. The helper's KEM is its own choice; none has more than this.
constexpr std::size_t kOwnEncBytes = 32;
constexpr std::size_t kMaxEncBytes = 2048;

}  // namespace

bool HasSizesOfTask(const OpenTask& task, const DapReport& report) {
  const Prio3& prio3 = task.prio3();
  const auto fits = [&](const HpkeCiphertext& sealed, std::uint8_t aggregator) {
    return sealed.payload.size() ==
           kFramingBytes + prio3.input_share_bytes(aggregator) + crypto::kHpkeTagSize;
  };
  return report.public_share.size() == prio3.public_share_bytes() &&
         report.leader_share.enc.size() == kOwnEncBytes &&
         report.helper_share.enc.size() <= kMaxEncBytes && fits(report.leader_share, 0) &&
         fits(report.helper_share, 1);
}

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
