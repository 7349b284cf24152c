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
  Progress(ProgressLines lines, TranscriptFile transcript)
      : lines_(std::move(lines)), transcript_(std::move(transcript)) {}

  ProgressLines& lines() { return lines_; }

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
  ProgressLines lines_;
  TranscriptFile transcript_;
  aggregate::PeerStep step_ = aggregate::PeerStep::kAbort;
  steady_clock::time_point since_;
};

}  // namespace

Result<ExitCode> RunAggregateHost(Session& session) {
  TRY(const OutputFormat format, session.Format());
  TRY(const std::string path, session.Required("--roster"));
  TRY(const aggregate::PeerRoster roster, ReadRosterFile(path));
  TRY(AddressFlag place, PlaceOf(session));
  TRY(aggregate::PeerOwner owner, OwnerOf(session));
  PeerServerOptions options{.address = place.address, .port = place.port};
  options.certificate_pem = owner.certificate.ToPem();
  TRY(options.private_key, crypto::EncodePrivateKeyDer(crypto::PrivateKey(owner.key.Clone())));
  TRY(TranscriptFile transcript, TranscriptFile::Open(session.arguments().Text("--transcript")));
  TRY(const std::unique_ptr<PeerHost> host,
      PeerHost::Create(roster, std::move(owner), session.clock()));
  AggregateNotice notice(session, roster);
  TRY_VOID(notice.Announce());
  const StopSignals stop;
  TRY(const std::unique_ptr<PeerServer> server,
      PeerServer::Start(*host, std::move(options), session.clock()));
  Progress progress(ProgressLines(session.terminal(), session.arguments().Has("--events")),
                    std::move(transcript));
  progress.lines().Listening(place.address, server->port());
  TRY_VOID(server->Serve([&](PeerHost& session_host) { return progress.Note(session_host); }));
  if (host->failure()) return *host->failure();
  TRY_VOID(notice.Conclude(*host->result(), host->transcript()));
  WriteFigures(session, format, roster, *host->result());
  return ExitCode::kDone;
}

}  // namespace salus::cli
