// salus aggregate check.

#include <fmt/format.h>

#include "aggregate/peer_transcript.h"
#include "apps/salus/aggregate_commands.h"
#include "codec/hex.h"

namespace salus::cli {

namespace {

// The host is whom the caller names; the transcript's own word is no proof of anything.
Result<crypto::Hash32> HostFingerprint(Session& session) {
  const Arguments& arguments = session.arguments();
  if (arguments.Has("--roster") == arguments.Has("--fingerprint")) {
    return session.Usage("say who the host was: --roster FILE, or --fingerprint SHA256");
  }
  if (arguments.Has("--roster")) {
    TRY(const aggregate::PeerRoster roster, ReadRosterFile(arguments.Text("--roster")));
    return roster.fields().host_fingerprint;
  }
  crypto::Hash32 out{};
  if (!codec::HexDecodeInto(arguments.Text("--fingerprint"), out)) {
    return session.Usage("--fingerprint: 64 hexadecimal digits");
  }
  return out;
}

codec::JsonArray Names(const aggregate::PeerRoster& roster,
                       const std::vector<aggregate::PeerId>& parties) {
  codec::JsonArray out;
  for (const aggregate::PeerId party : parties) out.emplace_back(roster.Name(party));
  return out;
}

codec::JsonArray Events(const std::vector<aggregate::PeerEvent>& events) {
  codec::JsonArray out;
  for (const aggregate::PeerEvent& event : events) {
    out.push_back(codec::JsonObject{{"step", PeerStepName(event.step)}, {"text", event.text}});
  }
  return out;
}

}  // namespace

Result<ExitCode> RunAggregateCheck(Session& session) {
  if (session.arguments().Has("--task")) return RunTaskCheck(session);
  TRY(const OutputFormat format, session.Format());
  TRY(const crypto::Hash32 host, HostFingerprint(session));
  TRY(const std::string transcript,
      ReadTextFile(session.arguments().Text("TRANSCRIPT"), kMaxTranscriptBytes));
  TRY(const aggregate::PeerTranscriptReport report,
      aggregate::CheckTranscript(AsBytes(transcript), host));
  for (const std::string& path : session.arguments().List("--with")) {
    TRY(const std::string other, ReadTextFile(path, kMaxTranscriptBytes));
    const auto same = aggregate::CompareTranscripts(AsBytes(transcript), AsBytes(other), host);
    if (!same) return Error(same.error()).WithContext(path);
  }
  if (session.arguments().Has("--roster")) {
    TRY(const aggregate::PeerRoster given, ReadRosterFile(session.arguments().Text("--roster")));
    if (given != report.roster) {
      return VerificationFailed("the transcript is of another roster than " +
                                session.arguments().Text("--roster"));
    }
  }
  TRY(const Quantiles quantiles, QuantilesOf(session, report.roster));
  Terminal& terminal = session.terminal();
  for (const aggregate::PeerEvent& event : report.events) {
    terminal.Say(fmt::format("{}: {}", PeerStepName(event.step), event.text));
  }
  terminal.Say(fmt::format("{}, all in order: {} joined, {} in the result",
                           Counted(report.messages, "signed message", "signed messages"),
                           report.members.size(), report.in_sum.size()),
               Colour::kGreen);
  if (!report.result) {
    terminal.Say(fmt::format("the session ended in the step {}, without a result",
                             PeerStepName(report.last_step)),
                 Colour::kYellow);
    return ExitCode::kFailed;
  }
  WriteFigures(session, format, report.roster, *report.result, quantiles,
               {{"messages", report.messages},
                {"joined", Names(report.roster, report.members)},
                {"in_result", Names(report.roster, report.in_sum)},
                {"events", Events(report.events)}});
  return ExitCode::kDone;
}

}  // namespace salus::cli
