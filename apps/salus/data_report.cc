#include "apps/salus/data_report.h"

#include <fmt/format.h>

#include "client/reader_state.h"
#include "codec/rfc3339.h"
#include "node/data_check.h"

namespace salus::cli {

namespace {

std::string_view SeverityName(node::CheckSeverity severity) {
  switch (severity) {
    case node::CheckSeverity::kNotice:
      return "notice";
    case node::CheckSeverity::kDerived:
      return "derived";
    case node::CheckSeverity::kTampered:
      return "tampered";
  }
  return "tampered";
}

std::string Since(const node::CheckFinding& finding) {
  if (!finding.good_size) return "";
  return fmt::format("checkpoint {} of {}", *finding.good_size,
                     codec::FormatRfc3339(*finding.good_time));
}

void PrintFinding(const node::CheckFinding& finding, ResultWriter& writer) {
  codec::JsonObject row{{"severity", SeverityName(finding.severity)},
                        {"what", finding.what},
                        {"file", finding.file},
                        {"entry", nullptr},
                        {"good_until", Since(finding)},
                        {"advice", finding.advice}};
  if (finding.entry) row["entry"] = *finding.entry;
  const Colour colour =
      finding.severity == node::CheckSeverity::kTampered ? Colour::kRed : Colour::kYellow;
  writer.Row(std::move(row), colour);
}

void PrintText(const node::CheckFinding& finding, const Terminal& terminal) {
  const bool is_tampered = finding.severity == node::CheckSeverity::kTampered;
  std::string text = terminal.PaintResult(SeverityName(finding.severity),
                                          is_tampered ? Colour::kRed : Colour::kYellow);
  text += ": " + Printable(finding.what) + "\n";
  if (!finding.file.empty()) text += "  where: " + finding.file + "\n";
  if (finding.good_size) text += "  everything is as signed up to: " + Since(finding) + "\n";
  if (!finding.advice.empty()) text += "  what to do: " + finding.advice + "\n";
  std::fputs(text.c_str(), stdout);
}

void SayCompared(Session& session, const node::DataCheckReport& report) {
  if (report.compared) {
    session.terminal().Say(fmt::format("compared with checkpoint {} of {}",
                                       report.compared->size.value,
                                       codec::FormatRfc3339(report.compared->time)));
  } else {
    session.terminal().Say(
        "compared with no remembered checkpoint, none known: a rollback could "
        "not be seen");
  }
}

Result<void> Remember(std::optional<client::ReaderState>& state,
                      const node::DataCheckReport& report) {
  if (!state || !report.newest || !report.is_clean()) return {};
  audit::KnownCheckpoint newest = *report.newest;
  if (state->checkpoint()) newest.watched_since = state->checkpoint()->watched_since;
  return state->Remember(newest);
}

}  // namespace

Result<ExitCode> ReportDataCheck(Session& session) {
  TRY(const OutputFormat format, session.Format());
  std::optional<client::ReaderState> state;
  ProgressBar bar(session.terminal(), "verifying", "entries", 0);
  node::DataCheckOptions options;
  options.known =
      [&state](const audit::PinnedLog& log) -> Result<std::optional<audit::KnownCheckpoint>> {
    TRY(state, client::ReaderState::OfUser(log));
    return state->checkpoint();
  };
  options.progress = [&bar](std::uint64_t done, std::uint64_t total) {
    bar.SetTotal(total);
    bar.Set(done);
  };
  TRY(const node::DataCheckReport report, node::CheckData(session.data_directory(), options));
  ResultWriter writer(session.terminal(), format,
                      {"severity", "what", "file", "entry", "good_until", "advice"});
  for (const node::CheckFinding& finding : report.findings) {
    if (format == OutputFormat::kTable) {
      PrintText(finding, session.terminal());
    } else {
      PrintFinding(finding, writer);
    }
  }
  writer.Finish();
  session.terminal().Say(
      fmt::format("read {} entries, replayed {} map roots of {} subjects, verified {} checkpoints",
                  report.entries, report.map_roots, report.subjects, report.checkpoints));
  SayCompared(session, report);
  TRY_VOID(Remember(state, report));
  if (!report.is_clean()) {
    return VerificationFailed(session.data_directory() +
                              " was tampered with or damaged: the findings say what and where");
  }
  session.terminal().Say("everything that is stored is what was signed", Colour::kGreen);
  return ExitCode::kDone;
}

}  // namespace salus::cli
