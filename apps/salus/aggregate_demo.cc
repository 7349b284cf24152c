// salus aggregate demo.

#include <fmt/format.h>

#include <charconv>

#include "apps/salus/aggregate_commands.h"
#include "apps/salus/demo_lesson.h"
#include "apps/salus/demo_stage.h"
#include "apps/salus/stop_signals.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMostParties = 255;
constexpr std::size_t kMostThresholdParties = 64;

Result<DemoTwist> TwistOf(Session& session) {
  constexpr std::pair<const char*, DemoTwist> kTwists[] = {
      {"--with-liar", DemoTwist::kLiar},
      {"--with-crash", DemoTwist::kCrash},
      {"--with-lying-sum", DemoTwist::kLyingSum},
  };
  DemoTwist out = DemoTwist::kNone;
  for (const auto& [flag, twist] : kTwists) {
    if (!session.arguments().Has(flag)) continue;
    if (out != DemoTwist::kNone) {
      return session.Usage("--with-liar, --with-crash, --with-lying-sum: one at a time");
    }
    out = twist;
  }
  return out;
}

Result<DemoPlan> PlanOf(Session& session) {
  DemoPlan plan;
  TRY(plan.twist, TwistOf(session));
  plan.has_eavesdropper = session.arguments().Has("--with-eavesdropper");
  plan.has_threshold = session.arguments().Has("--threshold");
  // So many values must be left when the liar's is not.
  const std::size_t least = (plan.has_threshold ? 4 : 3) + (IsCheater(plan.twist) ? 1 : 0);
  plan.parties = least;
  if (!session.arguments().Has("--parties")) return plan;
  const std::string text = session.arguments().Text("--parties");
  const std::size_t most = plan.has_threshold ? kMostThresholdParties : kMostParties;
  const char* const last = text.data() + text.size();
  const auto [end, failed] = std::from_chars(text.data(), last, plan.parties);
  if (failed != std::errc() || end != last || plan.parties < least || plan.parties > most) {
    const std::string why = IsCheater(plan.twist)
                                ? fmt::format(", so that {} are left without the liar", least - 1)
                                : "";
    return session.Usage(fmt::format("--parties: {} to {} here{}", least, most, why));
  }
  return plan;
}

// A program that reads CSV has no use for a lesson.
void WriteLesson(Session& session, OutputFormat format, const DemoLesson& lesson) {
  if (format == OutputFormat::kTable) {
    fmt::print("{}", lesson.Text());
  } else if (format != OutputFormat::kCsv) {
    ResultWriter(session.terminal(), format, {}).Row(lesson.Json());
  } else if (lesson.result()) {
    WriteFigures(session, format, lesson.roster(), *lesson.result());
  }
}

}  // namespace

Result<ExitCode> RunAggregateDemo(Session& session) {
  TRY(const OutputFormat format, session.Format());
  if (format == OutputFormat::kFhir) return session.Usage("--format: a sum has no form in FHIR");
  TRY(const DemoPlan plan, PlanOf(session));
  const StopSignals stop;
  TRY(const std::unique_ptr<DemoStage> stage,
      DemoStage::Make(session, plan, session.arguments().Text("--folder")));
  session.terminal().Say(
      fmt::format("{} people and a hospital, each a process of this machine", plan.parties));
  TRY(DemoRun run, stage->Play());
  TRY(const DemoLesson lesson, DemoLesson::Read(std::move(run)));
  WriteLesson(session, format, lesson);
  if (session.arguments().Has("--folder")) {
    session.terminal().Say("check it again: salus aggregate check " +
                           (stage->folder() / "hospital.transcript").string() + " --roster " +
                           (stage->folder() / "roster.json").string());
    if (plan.has_eavesdropper) {
      session.terminal().Say("what the eavesdropper recorded: " + stage->capture_file().string());
    }
  }
  TRY_VOID(lesson.CheckOutcome());
  return ExitCode::kDone;
}

}  // namespace salus::cli
