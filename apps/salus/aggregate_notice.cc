#include "apps/salus/aggregate_notice.h"

#include <fmt/format.h>

#include "apps/salus/aggregate_commands.h"
#include "audit/task_notice.h"
#include "codec/hex.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxResultBytes = 4096;  // audit/task_notice.h

// What the log says of this session, by anybody's word: ours first.
Result<std::optional<client::LoggedTask>> Logged(Backend& place, const Bytes& task_id,
                                                 std::string_view publisher) {
  TRY(std::vector<client::LoggedTask> all, place.Notices());
  std::optional<client::LoggedTask> found;
  for (client::LoggedTask& one : all) {
    if (one.task.task_id != task_id) continue;
    const bool is_ours = one.task.publisher == publisher;
    if (is_ours || !found) found = std::move(one);
    if (is_ours) break;
  }
  return found;
}

// The times are those of the first run; the publisher was compared before.
bool IsSameTask(const audit::TaskNotice& a, const audit::TaskNotice& b) {
  return a.definition == b.definition && a.title == b.title && a.purpose == b.purpose &&
         a.statistic == b.statistic && a.min_participants == b.min_participants &&
         a.noise == b.noise;
}

// The figures as JSON. What the announcement says is not said again, and a histogram's empty
// buckets, of which there may be more than an entry has room for, are left out; where the others
// are still too long, the transcript has them.
std::string ResultText(const aggregate::PeerRoster& roster, const aggregate::PeerResult& result) {
  codec::JsonObject figures = FiguresJson(roster, result);
  figures.erase("session");
  figures.erase("title");
  if (codec::Json* const buckets = figures.if_contains("buckets")) {
    codec::JsonArray filled;
    for (const codec::Json& bucket : buckets->get_array()) {
      const codec::Json* const count = bucket.get_object().if_contains("count");
      if (count != nullptr && *count != codec::Json(0)) filled.push_back(bucket);
    }
    *buckets = std::move(filled);
  }
  std::string text = codec::WriteJson(figures);
  if (text.size() > kMaxResultBytes) {
    figures.erase("buckets");
    text = codec::WriteJson(figures);
  }
  return text;
}

}  // namespace

bool AggregateNotice::is_wanted() const {
  return session_.arguments().Has("--data") || session_.arguments().Has("--server");
}

// A server puts its caller's name here; a data directory takes ours.
std::string AggregateNotice::Publisher() const {
  const Result<pki::Identity> identity = session_.CertifiedIdentity();
  if (identity) return fmt::format("{}:{}", pki::RoleName(identity->role), identity->id);
  return "certificate:" + codec::HexEncode(roster_.fields().host_fingerprint);
}

Error AggregateNotice::WhyNot(Error error) const {
  if (error.code == ErrorCode::kPermissionDenied || error.code == ErrorCode::kUnauthenticated) {
    const Result<pki::Identity> identity = session_.CertifiedIdentity();
    error.message += fmt::format(
        "; a sum is announced by a researcher, an officer or a registrar whom that log certified, "
        "and the identity of --as is {}",
        identity ? fmt::format("a {}'s", pki::RoleName(identity->role)) : "of no log");
  }
  return error;
}

Result<std::string> AggregateNotice::Announce() {
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
  const std::string where = place->where();
  TRY(const auto before, Logged(*place, notice.task_id, notice.publisher));
  if (before && before->task.publisher != notice.publisher) {
    return FailedPrecondition(fmt::format(
        "entry {} of {} announces this session by the word of {}, and its results would stand "
        "beside yours. Make a new roster, and show it to nobody but those who take part",
        before->entry, where, before->task.publisher));
  }
  const Result<std::uint64_t> entry = place->OpenTask(notice);
  std::string said;
  if (entry) {
    said = fmt::format("announced: entry {} of {}", *entry, where);
  } else if (entry.error().code != ErrorCode::kConflict) {
    return WhyNot(entry.error());
  } else {
    if (!before || !IsSameTask(before->task, notice)) return entry.error();
    if (!before->results.empty()) {
      return FailedPrecondition(
          fmt::format("this session was played before: its result is entry {} of {}. Make a new "
                      "roster",
                      before->results.front().entry, where));
    }
    said = fmt::format("announced before: entry {} of {}", before->entry, where);
  }
  session_.ClosePlace();
  return said;
}

Result<std::string> AggregateNotice::Conclude(const aggregate::PeerResult& result,
                                              ByteSpan transcript) {
  audit::ResultNotice notice;
  notice.task_id = ToBytes(roster_.fields().session);
  notice.participants = result.count;
  notice.result = ResultText(roster_, result);
  notice.publisher = Publisher();
  notice.time = session_.clock().Now();
  notice.evidence = crypto::Sha256(transcript);
  TRY(Backend* const place, session_.Place(Access::kWrite));
  const std::string where = place->where();
  const Result<std::uint64_t> entry = place->ReleaseResult(notice);
  std::string said;
  if (entry) {
    said = fmt::format("the result is entry {} of {}", *entry, where);
  } else if (entry.error().code != ErrorCode::kConflict) {
    return WhyNot(entry.error());
  } else {
    TRY(const auto before, Logged(*place, notice.task_id, notice.publisher));
    if (!before || before->task.publisher != notice.publisher || before->results.empty() ||
        before->results.front().result.result != notice.result) {
      return entry.error();
    }
    said =
        fmt::format("the result was entry {} of {} before", before->results.front().entry, where);
  }
  session_.ClosePlace();
  return said;
}

}  // namespace salus::cli
