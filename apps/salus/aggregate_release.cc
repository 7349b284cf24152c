// salus aggregate release: a sum's result into the log, where its host could not say it.

#include "aggregate/peer_transcript.h"
#include "apps/salus/aggregate_commands.h"
#include "apps/salus/aggregate_notice.h"

namespace salus::cli {

Result<ExitCode> RunAggregateRelease(Session& session) {
  TRY(const std::string path, session.Required("--roster"));
  TRY(const aggregate::PeerRoster roster, ReadRosterFile(path));
  TRY(const std::string transcript,
      ReadTextFile(session.arguments().Text("TRANSCRIPT"), kMaxTranscriptBytes));
  AggregateNotice notice(session, roster);
  if (!notice.is_wanted()) return session.Usage("name the log: --data DIR or --server URL");
  TRY(const aggregate::PeerTranscriptReport report,
      aggregate::CheckTranscript(AsBytes(transcript), roster.fields().host_fingerprint));
  if (report.roster != roster) {
    return VerificationFailed("the transcript is of another roster than " + path);
  }
  if (!report.result) {
    return FailedPrecondition("the session ended without a result: there is none to release");
  }
  TRY(const std::string said, notice.Conclude(*report.result, AsBytes(transcript)));
  session.terminal().Say(said, Colour::kGreen);
  return ExitCode::kDone;
}

}  // namespace salus::cli
