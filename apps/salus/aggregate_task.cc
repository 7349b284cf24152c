// salus aggregate task accept, list, close; salus aggregate keys rotate.

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "aggregate/vdaf_json.h"
#include "apps/salus/dap_commands.h"
#include "codec/rfc3339.h"
#include "crypto/sha256.h"

namespace salus::cli {

namespace {

constexpr std::string_view kServersName = "server:";  // the publisher of an aggregator's own tasks

// What the log says of a task is what this aggregator says, or it is not. What somebody else
// announced under its id says nothing of it.
std::string LoggedText(const AggregateTaskLine& line,
                       const std::vector<client::LoggedTask>& logged) {
  const Bytes id = ToBytes(line.task.id().span());
  for (const client::LoggedTask& one : logged) {
    if (one.task.task_id != id || !one.task.publisher.starts_with(kServersName)) continue;
    const bool is_same = one.task.definition == crypto::Sha256(AsBytes(line.task.ToJson())) &&
                         one.task.purpose == line.task.parameters().purpose;
    if (!is_same) return "DIFFERS";
    return fmt::format("entry {}, {}", one.entry, Counted(one.results.size(), "result", "results"));
  }
  return "not yet published";
}

codec::JsonObject RowOf(const AggregateTaskLine& line,
                        const std::vector<client::LoggedTask>& logged) {
  const auto& task = line.task.parameters();
  codec::JsonObject row;
  row["id"] = task.id.ToText();
  row["title"] = task.statistic.name;
  row["purpose"] = task.purpose;
  row["role"] = line.role;
  row["version"] = aggregate::VersionTag(task.version);
  row["statistic"] = aggregate::CircuitName(task.vdaf.circuit);
  row["min_batch"] = task.min_batch_size;
  row["state"] = line.has_ended ? "over" : line.is_closed ? "closed" : "open";
  row["waiting"] = line.waiting;
  row["aggregated"] = line.aggregated;
  row["refused"] = line.refused;
  row["study"] = line.study;
  row["logged"] = LoggedText(line, logged);
  return row;
}

std::string KeyText(const AggregateKeyLine& key) {
  const auto age = static_cast<std::uint64_t>(std::max<std::int64_t>(key.age_days, 0));
  const std::string made =
      fmt::format("the key that clients seal reports to is {} old", Counted(age, "day", "days"));
  if (key.rotate_days == 0) {
    return made +
           "; nothing makes a new one by itself (aggregate.key_days): salus aggregate keys "
           "rotate";
  }
  return fmt::format("{}; salusd makes a new one after {}", made,
                     Counted(static_cast<std::uint64_t>(key.rotate_days), "day", "days"));
}

}  // namespace

Result<ExitCode> RunTaskAccept(Session& session) {
  TRY(const aggregate::TaskFile file, ReadTaskFile(session.arguments().Text("FILE")));
  if (file.party != aggregate::TaskParty::kHelper && file.party != aggregate::TaskParty::kLeader) {
    return session.Usage("an aggregator accepts the helper's file: helper.json");
  }
  const auto& task = file.task.parameters();
  session.terminal().Say(fmt::format("{}: {}", task.statistic.name, task.purpose), Colour::kBold);
  TRY(Backend* const place, StudyPlace(session));
  TRY_VOID(place->AddAggregateTask(file));
  session.terminal().Say("accepted, and an entry of this log", Colour::kGreen);
  fmt::print("{}\n", task.id.ToText());
  return ExitCode::kDone;
}

Result<ExitCode> RunTaskList(Session& session) {
  TRY(const OutputFormat format, session.Format());
  TRY(Backend* const place, StudyPlace(session));
  TRY(const std::vector<AggregateTaskLine> lines, place->AggregateTasks());
  TRY(const std::vector<client::LoggedTask> logged, place->Notices());
  TRY(const AggregateKeyLine key, place->AggregateKey());
  ResultWriter writer(session.terminal(), format,
                      {"id", "title", "role", "statistic", "min_batch", "state", "waiting",
                       "aggregated", "refused", "logged"});
  bool is_true = true;
  for (const AggregateTaskLine& line : lines) {
    codec::JsonObject row = RowOf(line, logged);
    const bool differs = row["logged"] == "DIFFERS";
    is_true = is_true && !differs;
    writer.Row(std::move(row), differs ? Colour::kRed : Colour::kNone);
  }
  writer.Finish();
  session.terminal().Say(KeyText(key));
  if (is_true) return ExitCode::kDone;
  return VerificationFailed(
      "a task is not the one that was announced: the log has another definition or purpose of it");
}

Result<ExitCode> RunTaskClose(Session& session) {
  const auto id = aggregate::TaskId::Parse(session.arguments().Text("TASK"));
  if (!id) return session.Usage(id.error().message);
  TRY(Backend* const place, StudyPlace(session));
  TRY_VOID(place->CloseAggregateTask(*id));
  session.terminal().Say("closed: it takes no more reports. What is there is still collected",
                         Colour::kGreen);
  return ExitCode::kDone;
}

Result<ExitCode> RunKeysRotate(Session& session) {
  TRY(Backend* const place, StudyPlace(session));
  TRY(const std::uint64_t forgotten, place->RotateAggregateKeys());
  session.terminal().Say(
      fmt::format("clients are given a new key from now on; the one before still opens, for a day "
                  "at least. "
                  "{} forgotten for good",
                  Counted(forgotten, "older key", "older keys")),
      Colour::kGreen);
  return ExitCode::kDone;
}

}  // namespace salus::cli
