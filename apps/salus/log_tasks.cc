#include "apps/salus/log_tasks.h"

#include <fmt/format.h>

#include "codec/hex.h"
#include "codec/rfc3339.h"

namespace salus::cli {

namespace {

codec::JsonObject ResultOf(const client::LoggedTask::LoggedResult& one) {
  codec::JsonObject out;
  out["entry"] = one.entry;
  if (!one.result.batch.empty()) out["batch"] = one.result.batch;
  out["participants"] = one.result.participants;
  // What a host writes is JSON, and for people it may be any text.
  const auto figures = codec::ParseJson(one.result.result);
  if (figures && figures->is_object()) {
    out["result"] = *figures;
  } else if (!one.result.result.empty()) {
    out["result"] = one.result.result;
  }
  out["publisher"] = one.result.publisher;
  out["time"] = codec::FormatRfc3339(one.result.time);
  out["evidence"] = codec::HexEncode(one.result.evidence);
  return out;
}

codec::JsonObject RowOf(const client::LoggedTask& one) {
  codec::JsonObject row;
  row["entry"] = one.entry;
  row["id"] = codec::HexEncode(one.task.task_id);
  row["title"] = one.task.title;
  row["purpose"] = one.task.purpose;
  row["statistic"] = one.task.statistic;
  row["publisher"] = one.task.publisher;
  row["min_participants"] = one.task.min_participants;
  row["from"] = codec::FormatRfc3339(one.task.from);
  row["until"] = codec::FormatRfc3339(one.task.until);
  if (!one.task.noise.empty()) row["noise"] = one.task.noise;
  row["definition"] = codec::HexEncode(one.task.definition);
  codec::JsonArray results;
  for (const auto& result : one.results) results.push_back(ResultOf(result));
  row["results"] = std::move(results);
  return row;
}

// The figure that people ask for first, where there is one.
std::string ShortResult(const client::LoggedTask& one) {
  if (one.results.empty()) return "none yet";
  const audit::ResultNotice& last = one.results.back().result;
  std::string out = fmt::format("of {}", last.participants);
  const auto figures = codec::ParseJson(last.result);
  for (const char* name : {"sum", "mean"}) {
    if (!figures || !figures->is_object()) break;
    if (const codec::Json* const value = figures->get_object().if_contains(name)) {
      out += fmt::format(", {} {}", name, codec::WriteJson(*value));
    }
  }
  if (one.results.size() > 1) out += fmt::format(", and {} before", one.results.size() - 1);
  return out;
}

}  // namespace

Result<ExitCode> RunLogTasks(Session& session) {
  TRY(const OutputFormat format, session.Format());
  TRY(Backend* const place, session.Place(Access::kRead));
  TRY(const std::vector<client::LoggedTask> tasks, place->Notices());
  ResultWriter writer(session.terminal(), format,
                      {"entry", "title", "purpose", "statistic", "publisher", "result"});
  for (const client::LoggedTask& task : tasks) {
    codec::JsonObject row = RowOf(task);
    const bool is_for_people = format == OutputFormat::kTable || format == OutputFormat::kCsv;
    if (is_for_people) row["result"] = ShortResult(task);
    writer.Row(std::move(row));
  }
  writer.Finish();
  return ExitCode::kDone;
}

}  // namespace salus::cli
