#include "aggregate/dap_client.h"

#include "aggregate/dap_binding.h"

namespace salus::aggregate {
namespace {

Result<void> CheckExtensions(DapVersion version, const ReportExtensions& extensions) {
  if (version == DapVersion::k09 && !extensions.for_all.empty()) {
    return InvalidArgument("report extensions: dap-09 has no public ones");
  }
  for (const auto* list : {&extensions.for_all, &extensions.for_leader, &extensions.for_helper}) {
    if (!InStrictOrder(*list) || list->size() > kMaxDapExtensions) {
      return InvalidArgument("report extensions: must be in the order of their types, each once");
    }
  }
  if (!HaveNoTypeTwice(extensions.for_all, extensions.for_leader) ||
      !HaveNoTypeTwice(extensions.for_all, extensions.for_helper)) {
    return InvalidArgument("report extensions: a type is public or private, not both");
  }
  return {};
}

}  // namespace

Result<DapClient> DapClient::Create(DapTask task, const HpkeConfigList& leader,
                                    const HpkeConfigList& helper) {
  TRY(std::unique_ptr<const Prio3> prio3, Prio3::Create(task.vdaf()));
  Result<DapRecipient> to_leader = DapRecipient::Choose(leader);
  if (!to_leader) return std::move(to_leader.error()).WithContext("leader");
  Result<DapRecipient> to_helper = DapRecipient::Choose(helper);
  if (!to_helper) return std::move(to_helper.error()).WithContext("helper");
  return DapClient(std::move(task), std::move(prio3), *std::move(to_leader), *std::move(to_helper));
}

DapClient::DapClient(DapTask task, std::unique_ptr<const Prio3> prio3, DapRecipient leader,
                     DapRecipient helper)
    : task_(std::move(task)),
      prio3_(std::move(prio3)),
      leader_(std::move(leader)),
      helper_(std::move(helper)) {}

Result<HpkeCiphertext> DapClient::SealShare(const DapRecipient& to, DapRole role,
                                            const std::vector<DapExtension>& extensions,
                                            SecretBytes share, ByteSpan aad,
                                            RandomSource& random) const {
  const PlaintextInputShare plaintext = {.private_extensions = extensions,
                                         .payload = std::move(share)};
  return to.Seal(InputShareInfo(task_.version(), role), aad, plaintext.Encode(task_.version()),
                 random);
}

Result<DapReport> DapClient::MakeReport(std::span<const std::uint64_t> measurement, Timestamp now,
                                        RandomSource& random,
                                        const ReportExtensions& extensions) const {
  TRY_VOID(CheckExtensions(task_.version(), extensions));
  DapReport report;
  report.metadata.time = task_.TimeOf(now);
  if (task_.interval() && !task_.interval()->Contains(report.metadata.time)) {
    return FailedPrecondition("the task takes no reports at this time: see its start and end");
  }
  report.metadata.id = ReportId::Random(random);
  report.metadata.public_extensions = extensions.for_all;
  TRY(Shards shards,
      prio3_->Shard(task_.context(), measurement, report.metadata.id.bytes(), random));
  report.public_share = std::move(shards.public_share);
  const Bytes aad = InputShareAad(task_, report.metadata, report.public_share);
  TRY(report.leader_share, SealShare(leader_, DapRole::kLeader, extensions.for_leader,
                                     std::move(shards.input_shares[0]), aad, random));
  TRY(report.helper_share, SealShare(helper_, DapRole::kHelper, extensions.for_helper,
                                     std::move(shards.input_shares[1]), aad, random));
  return report;
}

Result<DapReport> DapClient::ReportOf(std::span<const std::int64_t> values, Timestamp now,
                                      RandomSource& random,
                                      const ReportExtensions& extensions) const {
  TRY(const std::vector<std::uint64_t> measurement, task_.MeasurementOf(values));
  return MakeReport(measurement, now, random, extensions);
}

}  // namespace salus::aggregate
