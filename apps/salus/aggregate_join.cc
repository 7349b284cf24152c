// salus aggregate join.

#include <fmt/format.h>

#include <thread>

#include "apps/salus/aggregate_commands.h"
#include "apps/salus/joined_sessions.h"
#include "apps/salus/peer_cheat.h"
#include "apps/salus/peer_link.h"
#include "apps/salus/peer_values.h"
#include "apps/salus/progress_lines.h"
#include "apps/salus/stop_signals.h"
#include "apps/salus/transcript_file.h"
#include "codec/hex.h"

namespace salus::cli {

namespace {

using aggregate::PeerParty;
using aggregate::PeerRoster;

constexpr std::chrono::seconds kPause{1};
// A host that is about to start is waited for so long, and another one with --wait.
constexpr std::chrono::seconds kPatience{9};

constexpr char kOtherRosterAdvice[] =
    "nothing was sent. Ask whoever gave you the roster whether it changed, and keep both files.";

constexpr char kLikeBefore[] =
    "you took part in a sum of this title at this host before: over the same people but one, the "
    "two sums together tell the host that one's value";

// What of a roster a person should look at first.
std::string DifferenceOf(const PeerRoster& mine, const PeerRoster& theirs) {
  const aggregate::PeerRosterFields& a = mine.fields();
  const aggregate::PeerRosterFields& b = theirs.fields();
  if (a.session != b.session) return "it is of another session";
  if (a.title != b.title || a.purpose != b.purpose) return "title or purpose differ";
  if (a.statistic != b.statistic || a.bucket != b.bucket || a.inputs != b.inputs) {
    return "it asks for another statistic";
  }
  if (a.minimum != b.minimum || a.maximum != b.maximum || a.unit != b.unit) {
    return "the values' range or unit differ";
  }
  if (a.minimum_parties != b.minimum_parties || a.threshold != b.threshold) {
    return "how many parties may be missing differs";
  }
  for (const aggregate::PeerEntry& party : a.parties) {
    if (!theirs.Find(party.fingerprint)) return "one of the parties is not in it";
  }
  return b.parties.size() != a.parties.size() ? "it has more parties" : "times or names differ";
}

Error NobodyThere(Error error, bool is_patient) {
  error.message += is_patient ? ". The time to join is over, and nothing was sent"
                              : ". Nothing was sent; --wait waits for a host that is not there yet";
  return error;
}

// The host signs the roster that everybody was given, or there is no session.
Result<std::string> RosterOfHost(Session& session, PeerLink& link, const PeerRoster& mine) {
  const bool is_patient = session.arguments().Has("--wait");
  const auto give_up =
      std::chrono::steady_clock::now() + (is_patient ? mine.fields().join_time : kPatience);
  Result<std::string> token = link.FetchRoster();
  for (bool is_told = false; !token && token.error().code == ErrorCode::kUnavailable;) {
    TRY_VOID(StopSignals::CheckStopped());
    if (std::chrono::steady_clock::now() >= give_up) return NobodyThere(token.error(), is_patient);
    if (!is_told) {
      session.terminal().Say(
          token.error().message +
          (is_patient ? "; trying again until the time to join is over" : "; trying again"));
    }
    is_told = true;
    std::this_thread::sleep_for(kPause);
    token = link.FetchRoster();
  }
  if (!token) return token;
  TRY(const aggregate::SignedPeerRoster theirs,
      aggregate::SignedPeerRoster::Verify(*token, mine.fields().host_fingerprint));
  if (theirs.roster == mine) return token;
  session.Advise(kOtherRosterAdvice);
  return VerificationFailed("the host shows another roster than the one you were given: " +
                            DifferenceOf(mine, theirs.roster));
}

// Sends the last word of a party whose session failed, so that the others do not wait for it.
void SayFarewell(PeerParty& party, PeerLink& link) {
  const std::optional<Bytes> farewell = party.farewell();
  if (farewell) [[maybe_unused]]
    const Result<void> sent = link.Send(*farewell);
}

Result<aggregate::PeerId> PlaceIn(const PeerRoster& roster, const aggregate::PeerOwner& owner) {
  const auto place = roster.Find(owner.certificate.fingerprint());
  if (place) return *place;
  return PermissionDenied("the certificate of --as, " +
                          codec::HexEncode(owner.certificate.fingerprint()) +
                          ", is not in the roster: use the identity that was named to its maker");
}

}  // namespace

Result<ExitCode> RunAggregateJoin(Session& session) {
  TRY(const OutputFormat format, session.Format());
  TRY(const std::string path, session.Required("--roster"));
  TRY(const PeerRoster roster, ReadRosterFile(path));
  TRY(const Quantiles quantiles, QuantilesOf(session, roster));
  TRY(const std::string url, session.Required("--host"));
  TRY(const PeerCheat cheat, PeerCheat::Parse(session));
  TRY(aggregate::PeerOwner owner, OwnerOf(session));
  TRY(const aggregate::PeerId self, PlaceIn(roster, owner));
  TRY(const pki::IdentityDirectory* const identity, session.Identity());
  TRY(JoinedSessions joined, JoinedSessions::Open(*identity));
  TRY_VOID(joined.Check(roster));
  if (joined.HasLike(roster)) session.terminal().Warn(kLikeBefore);
  TRY(PeerLink link, PeerLink::Open(url, roster.fields().host_fingerprint, *identity));
  TRY_VOID(AskConsent(session, roster, self, url));
  TRY(const std::vector<std::int64_t> values, PartyValues(session, roster));
  TRY(TranscriptFile transcript, TranscriptFile::Open(session.arguments().Text("--transcript")));
  const StopSignals stop;
  TRY(const std::string token, RosterOfHost(session, link, roster));
  TRY(const std::unique_ptr<PeerParty> party,
      PeerParty::Create(token, roster.fields().host_fingerprint, std::move(owner), values,
                        session.random(), session.clock(), cheat.Sharing()));
  ProgressLines lines(session.terminal(), session.arguments().Has("--events"));
  const Result<void> done = Attend(*party, link, [&](PeerParty& attending) -> Result<void> {
    TRY_VOID(StopSignals::CheckStopped());
    lines.Happened(attending.TakeEvents());
    // The shares leave next.
    if (attending.waits_for() > aggregate::PeerStep::kJoin) TRY_VOID(joined.Remember(roster));
    TRY_VOID(transcript.Follow(attending.transcript()));
    cheat.CrashBefore(attending.waits_for());
    return {};
  });
  lines.Happened(party->TakeEvents());
  TRY_VOID(transcript.Follow(party->transcript()));
  if (!done) {
    SayFarewell(*party, link);
    return done.error();
  }
  WriteFigures(session, format, roster, *party->result(), quantiles);
  return ExitCode::kDone;
}

}  // namespace salus::cli
