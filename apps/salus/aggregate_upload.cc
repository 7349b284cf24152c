// salus aggregate upload: values in, sealed reports out.

#include <fmt/format.h>

#include <optional>

#include "aggregate/dap_client.h"
#include "apps/salus/dap_commands.h"
#include "apps/salus/report_uploader.h"
#include "apps/salus/reported_values.h"
#include "apps/salus/upload_journal.h"

namespace salus::cli {

namespace {

using aggregate::DapAnswer;
using aggregate::DapClient;
using aggregate::DapReport;
using aggregate::DapVersion;
using aggregate::TaskFile;

Result<aggregate::HpkeConfigList> FetchConfigs(const std::string& url, const std::string& root,
                                               const TaskFile& file) {
  TRY(api::DapLink link, api::DapLink::Create({.url = url, .root_pem = root}));
  std::string path = "hpke_config";
  if (file.task.version() == DapVersion::k09) path += "?task_id=" + file.task.id().ToText();
  int attempts = 0;
  TRY(const DapAnswer answer,
      SendPatiently(link, {.method = "GET", .path = path, .media_type = {}, .body = {}}, attempts));
  if (!answer.is_success()) return RefusedBy(link, answer);
  Result<aggregate::HpkeConfigList> list = aggregate::HpkeConfigList::Parse(answer.body);
  if (!list) return Unavailable(url + ": hpke_config: " + list.error().message);
  return list;
}

Result<void> Upload(Session& session, const DapClient& client, const std::vector<Value>& values,
                    ReportUploader& uploader) {
  TRY(std::uint64_t done, uploader.Resume());
  if (done > 0) {
    session.terminal().Say(
        fmt::format("resumed: {} answered already", Counted(done, "value is", "values are")));
  }
  ProgressBar bar(session.terminal(), "uploading", "reports", values.size());
  while (done < values.size()) {
    TRY(DapReport report,
        client.ReportOf(values[done].numbers, session.clock().Now(), session.random()));
    TRY_VOID(uploader.Add(std::move(report)));
    bar.Set(++done);
  }
  return uploader.Finish();
}

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
  std::optional<UploadJournal> journal;
  if (session.arguments().Has("--journal")) {
    TRY(journal, UploadJournal::Open(session.arguments().Text("--journal"), file.task, values));
  }
  const auto& task = file.task.parameters();
  session.terminal().Say(fmt::format("{}: {}", task.statistic.name, task.purpose), Colour::kBold);
  TRY(const auto leader, FetchConfigs(task.leader_url, file.leader_root, file));
  TRY(const auto helper, FetchConfigs(task.helper_url, file.helper_root, file));
  TRY(const DapClient client, DapClient::Create(file.task, leader, helper));
  TRY(api::DapLink link,
      api::DapLink::Create({.url = task.leader_url, .root_pem = file.leader_root}));
  ReportUploader uploader(file, std::move(link), journal ? &*journal : nullptr);
  TRY_VOID(Upload(session, client, values, uploader));
  const UploadTotals& totals = uploader.totals();
  ResultWriter writer(session.terminal(), format, {"taken", "repeated", "refused"});
  writer.Row({{"taken", totals.taken},
              {"repeated", totals.repeated},
              {"refused", totals.refused_count()}});
  writer.Finish();
  if (totals.repeated > 0) {
    session.terminal().Warn(fmt::format(
        "the answer to {} was lost, and they were sent again: the leader has them, unless their "
        "batch was collected before",
        Counted(totals.repeated, "report", "reports")));
  }
  for (const auto& [reason, count] : totals.refused) {
    session.terminal().Say(fmt::format("{} {}", Counted(count, "report:", "reports:"), reason));
  }
  return totals.refused_count() == 0 ? ExitCode::kDone : ExitCode::kFailed;
}

}  // namespace salus::cli
