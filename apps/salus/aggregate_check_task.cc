// salus aggregate check --task: what leader and helper of a task said to each other.

#include <fmt/format.h>

#include "aggregate/task_check.h"
#include "aggregate/task_transcript.h"
#include "apps/salus/aggregate_commands.h"
#include "apps/salus/dap_commands.h"
#include "client/pinned_server.h"
#include "codec/rfc3339.h"
#include "storage/posix_file_system.h"
#include "tlog/note.h"

namespace salus::cli {

namespace {

using aggregate::CheckedBatch;
using aggregate::DapTask;
using aggregate::SignatureCheck;
using aggregate::TaskCheck;
using aggregate::TaskFindings;

// A key is a pinned server's receipt key, or written out: NAME+ID+BASE64.
Result<tlog::VerifierKey> KeyOf(std::string_view text) {
  if (text.find('+') != text.npos) return tlog::VerifierKey::Parse(text);
  TRY(const client::ServerStore store, client::ServerStore::OfUser());
  TRY(const client::PinnedServer server, store.Choose(text));
  return tlog::VerifierKey::Parse(server.log.receipt_vkey);
}

Result<SignatureCheck> CheckOf(Session& session, const std::string& flag) {
  if (!session.arguments().Has(flag)) return SignatureCheck();
  const auto key = KeyOf(session.arguments().Text(flag));
  if (!key) return Error(key.error()).WithContext(flag);
  return SignatureCheck([signer = *key](std::string_view text, std::string_view signature) {
    return tlog::VerifyDetached(signer, text, signature).has_value();
  });
}

Result<void> TakeTranscript(Session& session, const std::string& path, TaskCheck& check) {
  storage::PosixFileSystem fs;
  TRY(const auto file, fs.OpenExisting(path, storage::FileAccess::kReadOnly));
  TRY(const std::uint64_t size, file->Size());
  aggregate::TaskTranscriptReader reader(*file);
  ProgressBar bar(session.terminal(), "checking", "bytes", size);
  while (true) {
    auto exchange = reader.Next();
    if (!exchange) return Error(exchange.error()).WithContext(path);
    if (!*exchange) return {};
    const std::string where = path + ", item " + std::to_string(reader.item());
    const auto taken = check.Take(**exchange, where);
    if (!taken) return Error(taken.error()).WithContext(where);
    bar.Set(reader.offset());
  }
}

std::string BatchName(const DapTask& task, const CheckedBatch& batch) {
  if (task.batch_mode() == aggregate::BatchMode::kLeaderSelected) {
    return batch.selector.batch_id.ToText();
  }
  const auto& interval = batch.selector.interval;
  const auto text = [&](std::uint64_t time) {
    const auto second = task.UnixSeconds(time);
    return second ? codec::FormatRfc3339(Timestamp(std::chrono::seconds(*second)))
                  : std::to_string(time);
  };
  return text(interval.start) + "/" + text(interval.start + interval.duration);
}

// Whose signatures nobody checked: they are not named, whatever stands there.
std::vector<std::string> Unchecked(Session& session) {
  std::vector<std::string> out;
  for (const std::string party : {"leader", "helper"}) {
    if (!session.arguments().Has("--" + party)) out.push_back(party);
  }
  return out;
}

codec::JsonObject FindingsJson(Session& session, const DapTask& task,
                               const TaskFindings& findings) {
  codec::JsonObject out{{"task", task.id().ToText()},
                        {"title", task.parameters().statistic.name},
                        {"messages", findings.exchanges},
                        {"jobs", findings.jobs},
                        {"reports", findings.counted}};
  codec::JsonObject refused;
  for (const auto& [error, count] : findings.refused) refused[ReportErrorName(error)] = count;
  out["refused"] = std::move(refused);
  codec::JsonArray batches;
  for (const CheckedBatch& batch : findings.batches) {
    batches.push_back(codec::JsonObject{{"batch", BatchName(task, batch)},
                                        {"reports", batch.report_count},
                                        {"delivered", batch.is_delivered}});
  }
  out["batches"] = std::move(batches);
  out["results_alone"] = findings.results_alone;
  codec::JsonArray unchecked;
  for (const std::string& party : Unchecked(session)) unchecked.emplace_back(party);
  out["unchecked"] = std::move(unchecked);
  codec::JsonArray deviations;
  for (const aggregate::Deviation& deviation : findings.deviations) {
    deviations.push_back(codec::JsonObject{
        {"by", DeviatorName(deviation.by)}, {"text", deviation.text}, {"where", deviation.where}});
  }
  out["deviations"] = std::move(deviations);
  return out;
}

void WriteFindings(Session& session, OutputFormat format, const DapTask& task,
                   const TaskFindings& findings) {
  ResultWriter writer(session.terminal(), format, {"figure", "value", "note"});
  if (format != OutputFormat::kTable && format != OutputFormat::kCsv) {
    writer.Row(FindingsJson(session, task, findings));
    return;
  }
  const auto row = [&](std::string figure, std::uint64_t value, std::string note) {
    writer.Row({{"figure", std::move(figure)}, {"value", value}, {"note", std::move(note)}});
  };
  row("messages and their answers", findings.exchanges, "");
  row("aggregation jobs", findings.jobs, "");
  row("reports counted", findings.counted, "each once");
  for (const auto& [error, count] : findings.refused) {
    row("reports refused", count, std::string(ReportErrorName(error)));
  }
  for (const CheckedBatch& batch : findings.batches) {
    row("reports in a batch", batch.report_count,
        BatchName(task, batch) + (batch.is_delivered ? "" : ", not seen to be collected"));
  }
  if (findings.results_alone > 0) {
    row("results", findings.results_alone, "of batches whose share is not in these transcripts");
  }
}

void SayVerdict(Session& session, const TaskFindings& findings) {
  Terminal& terminal = session.terminal();
  for (const std::string& party : Unchecked(session)) {
    terminal.Warn(
        fmt::format("the {0}'s signatures were not checked: --{0} says whose they are", party));
  }
  for (const aggregate::Deviation& deviation : findings.deviations) {
    const bool is_named = deviation.by != aggregate::Deviation::By::kNobody;
    terminal.Say(fmt::format("{}: {}{}", deviation.where,
                             is_named ? "the " + std::string(DeviatorName(deviation.by)) + " " : "",
                             deviation.text),
                 Colour::kRed);
  }
  if (findings.deviations.empty()) terminal.Say("all in order", Colour::kGreen);
}

}  // namespace

Result<ExitCode> RunTaskCheck(Session& session) {
  TRY(const OutputFormat format, session.Format());
  const Arguments& given = session.arguments();
  if (given.Has("--roster") || given.Has("--fingerprint")) {
    return session.Usage(
        "--roster and --fingerprint are for sums between people, --task for "
        "tasks of two aggregators");
  }
  if (!given.Has("--leader") && !given.Has("--helper")) {
    return session.Usage(
        "say whose signatures count: --leader and --helper, each a server of "
        "`salus connect` or a receipt key");
  }
  TRY(const aggregate::TaskFile file, ReadTaskFile(given.Text("--task")));
  TRY(SignatureCheck leader, CheckOf(session, "--leader"));
  TRY(SignatureCheck helper, CheckOf(session, "--helper"));
  TRY(TaskCheck check, TaskCheck::Create(file.task, std::move(leader), std::move(helper)));
  TRY_VOID(TakeTranscript(session, given.Text("TRANSCRIPT"), check));
  for (const std::string& path : given.List("--with")) {
    TRY_VOID(TakeTranscript(session, path, check));
  }
  const TaskFindings findings = check.Finish();
  WriteFindings(session, format, file.task, findings);
  SayVerdict(session, findings);
  return findings.deviations.empty() ? ExitCode::kDone : ExitCode::kTampered;
}

}  // namespace salus::cli
