// salus audit share: the patient's device opens past days to an auditor.

#include <fmt/format.h>

#include <algorithm>

#include "apps/salus/audit_commands.h"
#include "apps/salus/holder_key.h"
#include "apps/salus/verified_history.h"
#include "audit/shared_days.h"
#include "audit/verified_readers.h"
#include "codec/rfc3339.h"

namespace salus::cli {

namespace {

struct SharedRange {
  Day from, to;
};

Result<SharedRange> RangeOf(Session& session) {
  TRY(const std::optional<Day> from, session.DayOfFlag("--from"));
  TRY(const std::optional<Day> to, session.DayOfFlag("--to"));
  if (!from || !to) return session.Usage("--from DAY and --to DAY are required: what is opened");
  if (*to < *from) return session.Usage("--to is before --from");
  return SharedRange{*from, *to};
}

// The auditor's own certificate, if the patient has it; else the key that the mandate in the
// patient's verified chain names. No place is asked: what it answers today proves nothing, what
// stands in the chain is there for good, and the auditor sees it too.
Result<crypto::P256PublicKey> KeyOfAuditor(Session& session, Backend& place,
                                           const audit::VerifiedHistory& history,
                                           const std::string& auditor) {
  TRY(const std::vector<audit::VerifiedReader> readers, audit::VerifiedReaders(history));
  const auto reader = std::ranges::find(readers, auditor, &audit::VerifiedReader::auditor);
  const bool is_named = reader != readers.end() && reader->key;
  const std::string certificate = session.arguments().Text("--certificate");
  if (certificate.empty()) {
    if (is_named) return *reader->key;
    return NotFound("no mandate in your history names a key of " + auditor +
                    ": have its certificate from the auditor, and give it with --certificate");
  }
  TRY(const HolderKey holder,
      ReadHolderKey(session, place, certificate, "", pki::Role::kAuditor, auditor));
  if (is_named && !(*reader->key == *holder.key)) {
    session.terminal().Warn(fmt::format(
        "the certificate's key is another than the mandate's (entry {}): ask {} whether it has a "
        "new key",
        reader->entry.value, auditor));
  }
  return *holder.key;
}

std::vector<const audit::GrantPlaintext*> GrantsOf(const audit::VerifiedHistory& history,
                                                   const SharedRange& range) {
  std::vector<const audit::GrantPlaintext*> grants;
  for (const audit::VerifiedEntry& entry : history.others) {
    if (!entry.grant || entry.grant->type != audit::GrantType::kEpochKey) continue;
    const Day day = FromUnixDay(entry.grant->day);
    if (day >= range.from && day <= range.to) grants.push_back(&*entry.grant);
  }
  return grants;
}

}  // namespace

Result<ExitCode> RunAuditShare(Session& session) {
  TRY(const std::string auditor, session.Required("--with"));
  TRY(const SharedRange range, RangeOf(session));
  TRY(const audit::Subject patient, session.Reader());
  if (patient.kind != audit::SubjectKind::kPatient) {
    return session.Usage("only the patient opens past days: --as its identity directory");
  }
  TRY(const std::unique_ptr<HistoryReader> reader, HistoryReader::Open(session));
  TRY(Backend* const place, session.Place(Access::kWrite));
  TRY(const HistoryReader::Answered answered, reader->Read(patient, std::nullopt, false));
  TRY(const crypto::P256PublicKey key, KeyOfAuditor(session, *place, answered.history, auditor));
  const std::vector<const audit::GrantPlaintext*> grants = GrantsOf(answered.history, range);
  if (grants.empty()) {
    session.terminal().Say("nothing was logged about you on these days: there is nothing to open");
    return ExitCode::kDone;
  }
  for (std::size_t at = 0; at < grants.size(); at += audit::kMaxSharedGrants) {
    const auto part =
        std::span(grants).subspan(at, std::min(audit::kMaxSharedGrants, grants.size() - at));
    TRY(const std::string sealed, audit::SealSharedGrants(part, key, session.random()));
    TRY_VOID(place->ShareDays(patient, auditor, range.from, range.to, sealed));
  }
  session.terminal().Say(
      fmt::format("{} to {} are open to {} now; this can't be taken back. Sealed to the key {}, "
                  "which {} can compare: salus identity show",
                  codec::FormatDay(range.from), codec::FormatDay(range.to), auditor, KeyPrint(key),
                  auditor),
      Colour::kGreen);
  return ExitCode::kDone;
}

}  // namespace salus::cli
