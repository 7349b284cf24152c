// salus aggregate upload: values in, sealed reports out.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "aggregate/dap_client.h"
#include "aggregate/dap_media_type.h"
#include "apps/salus/dap_commands.h"
#include "apps/salus/reported_values.h"

namespace salus::cli {

namespace {

using aggregate::ChannelRequest;
using aggregate::DapAnswer;
using aggregate::DapClient;
using aggregate::DapMessageType;
using aggregate::DapReport;
using aggregate::DapVersion;
using aggregate::TaskFile;

constexpr std::size_t kMaxRequestBytes = 2 * 1024 * 1024;
constexpr std::size_t kMaxRequestReports = 1000;
constexpr int kAttempts = 8;
constexpr std::chrono::milliseconds kFirstPause{50};

// Again sends a request again, a little later each time, while its aggregator can't be reached: it
// may be starting. attempts is how often it was sent.
Result<DapAnswer> Again(api::DapLink& link, const ChannelRequest& request, int& attempts) {
  for (attempts = 1;; ++attempts) {
    Result<DapAnswer> answer = link.Exchange(request);
    const bool may_pass =
        answer ? answer->status == 503 : answer.error().code == ErrorCode::kUnavailable;
    if (!may_pass || attempts == kAttempts) return answer;
    std::this_thread::sleep_for(kFirstPause * (1 << attempts));
  }
}

Result<aggregate::HpkeConfigList> FetchConfigs(const std::string& url, const std::string& root,
                                               const TaskFile& file) {
  TRY(api::DapLink link, api::DapLink::Create({.url = url, .root_pem = root}));
  std::string path = "hpke_config";
  if (file.task.version() == DapVersion::k09) path += "?task_id=" + file.task.id().ToText();
  int attempts = 0;
  TRY(const DapAnswer answer,
      Again(link, {.method = "GET", .path = path, .media_type = {}, .body = {}}, attempts));
  if (!answer.is_success()) return RefusedBy(link, answer);
  Result<aggregate::HpkeConfigList> list = aggregate::HpkeConfigList::Parse(answer.body);
  if (!list) return Unavailable(url + ": hpke_config: " + list.error().message);
  return list;
}

struct Totals {
  std::uint64_t taken = 0;
  std::uint64_t repeated = 0;  // taken the first time, unless their batch was collected by then
  std::uint64_t refused = 0;
  std::map<std::string, std::uint64_t> reasons;
};

std::string_view ReasonOf(aggregate::ReportError error) {
  using aggregate::ReportError;
  switch (error) {
    case ReportError::kReportReplayed:
      return "sent before, or its batch is collected";
    case ReportError::kReportDropped:
      return "outside of the task's time";
    case ReportError::kReportTooEarly:
      return "in the future of the leader's clock";
    case ReportError::kOutdatedConfig:
      return "sealed to a key that is not in use";
    default:
      return "refused";
  }
}

// Uploader sends reports of one task, as many a request as the version allows.
class Uploader {
 public:
  Uploader(const TaskFile& file, api::DapLink link) : file_(file), link_(std::move(link)) {}

  Result<void> Add(DapReport report) {
    pending_bytes_ += report.Encode(version()).size();
    pending_.push_back(std::move(report));
    const bool is_full = version() == DapVersion::k09 || pending_.size() >= kMaxRequestReports ||
                         pending_bytes_ >= kMaxRequestBytes;
    return is_full ? Flush() : Result<void>();
  }
  Result<void> Flush() {
    if (pending_.empty()) return {};
    const Result<DapAnswer> sent = Send();
    if (!sent) return After(sent.error());
    const DapAnswer& answer = *sent;
    if (!answer.is_success()) return After(RefusedBy(link_, answer));
    std::uint64_t refused = 0;
    if (version() == DapVersion::k18 && !answer.body.empty()) {
      const auto errors = aggregate::UploadErrors::Parse(answer.body);
      if (!errors) return Unavailable(link_.url() + ": " + errors.error().message);
      for (const auto& status : errors->statuses) {
        // Sent twice, and the answer to the first time was lost: the leader has it, or its batch
        // was collected before. DAP says the same of both.
        ++refused;
        if (attempts_ > 1 && status.error == aggregate::ReportError::kReportReplayed) {
          ++totals_.repeated;
          continue;
        }
        ++totals_.refused;
        ++totals_.reasons[std::string(ReasonOf(status.error))];
      }
    }
    totals_.taken += pending_.size() - std::min<std::uint64_t>(refused, pending_.size());
    pending_.clear();
    pending_bytes_ = 0;
    return {};
  }
  const Totals& totals() const { return totals_; }

 private:
  DapVersion version() const { return file_.task.version(); }

  // Made anew, what was taken would count twice.
  Error After(Error error) const {
    const std::uint64_t there = totals_.taken + totals_.repeated;
    if (there == 0) return error;
    return std::move(error).WithContext(fmt::format(
        "the first {} were taken, do not upload them again", Counted(there, "report", "reports")));
  }

  // The same reports once more count once: what was not answered is sent again.
  Result<DapAnswer> Send() {
    const bool is_09 = version() == DapVersion::k09;
    const Bytes body = is_09 ? pending_.front().Encode(version())
                             : aggregate::UploadRequest{pending_}.Encode(version());
    const ChannelRequest request{
        .method = is_09 ? "PUT" : "POST",
        .path = "tasks/" + file_.task.id().ToText() + "/reports",
        .media_type = std::string(MediaType(version(), DapMessageType::kUploadRequest)),
        .body = body};
    return Again(link_, request, attempts_);
  }

  const TaskFile& file_;
  api::DapLink link_;
  std::vector<DapReport> pending_;
  std::size_t pending_bytes_ = 0;
  int attempts_ = 0;  // of the last request
  Totals totals_;
};

}  // namespace

Result<ExitCode> RunAggregateUpload(Session& session) {
  TRY(const OutputFormat format, session.Format());
  TRY(const std::string path, session.Required("--task"));
  TRY(const TaskFile file, ReadTaskFile(path));
  if (file.party != aggregate::TaskParty::kClient) {
    session.terminal().Warn(path + " holds secrets: who takes part needs task.json only");
  }
  TRY(const std::vector<Value> values, ReadValues(session));
  TRY_VOID(CheckValues(session, file.task, values));
  const auto& task = file.task.parameters();
  session.terminal().Say(fmt::format("{}: {}", task.statistic.name, task.purpose), Colour::kBold);
  TRY(const auto leader, FetchConfigs(task.leader_url, file.leader_root, file));
  TRY(const auto helper, FetchConfigs(task.helper_url, file.helper_root, file));
  TRY(const DapClient client, DapClient::Create(file.task, leader, helper));
  TRY(api::DapLink link,
      api::DapLink::Create({.url = task.leader_url, .root_pem = file.leader_root}));
  Uploader uploader(file, std::move(link));
  {
    ProgressBar bar(session.terminal(), "uploading", "reports", values.size());
    std::uint64_t done = 0;
    for (const Value& value : values) {
      TRY(DapReport report,
          client.ReportOf(value.numbers, session.clock().Now(), session.random()));
      TRY_VOID(uploader.Add(std::move(report)));
      bar.Set(++done);
    }
    TRY_VOID(uploader.Flush());
  }
  const Totals& totals = uploader.totals();
  ResultWriter writer(session.terminal(), format, {"taken", "repeated", "refused"});
  writer.Row({{"taken", totals.taken}, {"repeated", totals.repeated}, {"refused", totals.refused}});
  writer.Finish();
  if (totals.repeated > 0) {
    session.terminal().Warn(fmt::format(
        "the answer to {} was lost, and they were sent again: the leader has them, unless their "
        "batch was collected before",
        Counted(totals.repeated, "report", "reports")));
  }
  for (const auto& [reason, count] : totals.reasons) {
    session.terminal().Say(fmt::format("{} {}", Counted(count, "report:", "reports:"), reason));
  }
  return totals.refused == 0 ? ExitCode::kDone : ExitCode::kFailed;
}

}  // namespace salus::cli
