// salus aggregate host.

#include <fmt/format.h>

#include "apps/salus/address_flag.h"
#include "apps/salus/aggregate_commands.h"
#include "apps/salus/aggregate_notice.h"
#include "apps/salus/peer_server.h"
#include "apps/salus/progress_lines.h"
#include "apps/salus/stop_signals.h"
#include "apps/salus/transcript_file.h"
#include "crypto/pkcs8.h"

namespace salus::cli {

namespace {

using aggregate::PeerHost;
using std::chrono::steady_clock;

// Who is a little late is not named.
constexpr std::chrono::seconds kPatience{3};

Result<AddressFlag> PlaceOf(Session& session) {
  TRY(const std::string text, session.Required("--listen"));
  if (const auto at = AddressFlag::Parse(text)) return *at;
  return session.Usage("--listen: ADDRESS:PORT, such as 0.0.0.0:7443 or 127.0.0.1:0");
}

// Progress tells of a session, and keeps its transcript.
class Progress {
 public:
  Progress(ProgressLines& lines, TranscriptFile transcript)
      : lines_(lines), transcript_(std::move(transcript)) {}

  Result<void> Note(PeerHost& host) {
    TRY_VOID(StopSignals::CheckStopped());
    TRY_VOID(transcript_.Follow(host.transcript()));
    lines_.Happened(host.TakeEvents());
    const auto now = steady_clock::now();
    if (host.step() != step_) since_ = now;
    step_ = host.step();
    if (host.finished() || now - since_ < kPatience) return {};
    std::vector<std::string> names;
    for (const aggregate::PeerId party : host.waiting_for()) {
      names.push_back(host.roster().Name(party));
    }
    lines_.WaitingFor(step_, names);
    return {};
  }

 private:
  ProgressLines& lines_;
  TranscriptFile transcript_;
  aggregate::PeerStep step_ = aggregate::PeerStep::kAbort;
  steady_clock::time_point since_;
};

// Before the port is open: where the log can't say it, nobody takes part.
Result<void> Announce(AggregateNotice& notice, ProgressLines& lines) {
  if (!notice.is_wanted()) {
    lines.Said("not logged",
               "warning: no log says that this sum takes place: name one with --data or --server",
               Colour::kYellow);
    return {};
  }
  Result<std::string> said = notice.Announce();
  if (!said) return std::move(said.error()).WithContext("the sum was not announced, and not begun");
  lines.Said("announced", *said);
  return {};
}

// The figures are printed by then: they are not lost with a log that is away.
Result<void> Conclude(AggregateNotice& notice, const PeerHost& host, ProgressLines& lines) {
  if (!notice.is_wanted()) return {};
  Result<std::string> said = notice.Conclude(*host.result(), host.transcript());
  if (!said) {
    return std::move(said.error())
        .WithContext(
            "the result above is not in the log yet: say it there later with `salus aggregate "
            "release TRANSCRIPT`");
  }
  lines.Said("released", *said);
  return {};
}

}  // namespace

Result<ExitCode> RunAggregateHost(Session& session) {
  TRY(const OutputFormat format, session.Format());
  TRY(const std::string path, session.Required("--roster"));
  TRY(const aggregate::PeerRoster roster, ReadRosterFile(path));
  TRY(const Quantiles quantiles, QuantilesOf(session, roster));
  TRY(AddressFlag place, PlaceOf(session));
  TRY(aggregate::PeerOwner owner, OwnerOf(session));
  PeerServerOptions options{.address = place.address, .port = place.port};
  options.certificate_pem = owner.certificate.ToPem();
  TRY(options.private_key, crypto::EncodePrivateKeyDer(crypto::PrivateKey(owner.key.Clone())));
  TRY(TranscriptFile transcript, TranscriptFile::Open(session.arguments().Text("--transcript")));
  TRY(const std::unique_ptr<PeerHost> host,
      PeerHost::Create(roster, std::move(owner), session.clock()));
  ProgressLines lines(session.terminal(), session.arguments().Has("--events"));
  AggregateNotice notice(session, roster);
  TRY_VOID(Announce(notice, lines));
  const StopSignals stop;
  TRY(const std::unique_ptr<PeerServer> server,
      PeerServer::Start(*host, std::move(options), session.clock()));
  lines.Listening(place.address, server->port());
  Progress progress(lines, std::move(transcript));
  TRY_VOID(server->Serve([&](PeerHost& session_host) { return progress.Note(session_host); }));
  if (host->failure()) return *host->failure();
  WriteFigures(session, format, roster, *host->result(), quantiles);
  TRY_VOID(Conclude(notice, *host, lines));
  return ExitCode::kDone;
}

}  // namespace salus::cli
