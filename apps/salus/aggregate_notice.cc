#include "apps/salus/aggregate_notice.h"

#include <fmt/format.h>

#include "apps/salus/aggregate_commands.h"
#include "audit/task_notice.h"
#include "codec/hex.h"

namespace salus::cli {

bool AggregateNotice::is_wanted() const {
  return session_.arguments().Has("--data") || session_.arguments().Has("--server");
}

// A server puts its caller's name here; a data directory takes ours.
std::string AggregateNotice::Publisher() const {
  const Result<pki::Identity> identity = session_.CertifiedIdentity();
  if (identity) return fmt::format("{}:{}", pki::RoleName(identity->role), identity->id);
  return "certificate:" + codec::HexEncode(roster_.fields().host_fingerprint);
}

Result<void> AggregateNotice::Announce() {
  if (!is_wanted()) return {};
  const aggregate::PeerRosterFields& fields = roster_.fields();
  audit::TaskNotice notice;
  notice.task_id = ToBytes(fields.session);
  notice.title = fields.title;
  notice.purpose = fields.purpose;
  notice.statistic = QuestionOf(roster_);
  notice.publisher = Publisher();
  notice.min_participants = fields.minimum_parties;
  notice.from = session_.clock().Now();
  constexpr int kLaterSteps = static_cast<int>(aggregate::kLastPeerStep) - 1;
  notice.until = notice.from + fields.join_time + kLaterSteps * fields.step_time;
  notice.definition = roster_.hash();
  TRY(Backend* const place, session_.Place(Access::kWrite));
  TRY(const std::uint64_t entry, place->OpenTask(notice));
  session_.terminal().Say(fmt::format("announced: entry {} of {}", entry, place->where()));
  session_.ClosePlace();
  return {};
}

Result<void> AggregateNotice::Conclude(const aggregate::PeerResult& result, ByteSpan transcript) {
  if (!is_wanted()) return {};
  audit::ResultNotice notice;
  notice.task_id = ToBytes(roster_.fields().session);
  notice.participants = result.count;
  notice.result = codec::WriteJson(FiguresJson(roster_, result));
  notice.publisher = Publisher();
  notice.time = session_.clock().Now();
  notice.evidence = crypto::Sha256(transcript);
  TRY(Backend* const place, session_.Place(Access::kWrite));
  TRY(const std::uint64_t entry, place->ReleaseResult(notice));
  session_.terminal().Say(fmt::format("the result is entry {} of {}", entry, place->where()));
  session_.ClosePlace();
  return {};
}

}  // namespace salus::cli
