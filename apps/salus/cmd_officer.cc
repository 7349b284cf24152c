// salus officer enrol.

#include "apps/salus/session.h"

namespace salus::cli {

namespace {

Result<ExitCode> RunEnrol(Session& session) {
  TRY(const audit::Subject reader, session.Reader());
  if (reader.kind != audit::SubjectKind::kSystem) {
    return session.Usage("--as must be an officer's identity");
  }
  TRY(const pki::IdentityDirectory* identity, session.Identity());
  TRY(const pki::Identity name, identity->chain().front().identity());
  audit::PatientRow row;
  row.subject = reader;
  row.name = name.id;
  row.key = identity->encryption_key().public_key();
  TRY(Backend* const place, session.Place(Access::kWrite));
  const std::string certificate;  // none: the key is sent by itself
  TRY_VOID(place->PutPatients({&row, 1}, {&certificate, 1}));
  session.terminal().Say(
      "from now on the events without a patient are sealed to this officer's key: salus audit "
      "query. "
      "What was before stays with the custodians",
      Colour::kGreen);
  return ExitCode::kDone;
}

}  // namespace

void AddOfficerCommands(std::vector<Command>& all) {
  all.push_back({.noun = "officer",
                 .verb = "enrol",
                 .summary = "Let an officer read the events that concern no patient",
                 .details =
                     "Logins, batch jobs and the like are sealed to custodians until an "
                     "officer's key is there. This puts that of --as there; one officer at a "
                     "time holds it.",
                 .examples = {"salus officer enrol --as ./officer --server clinic"},
                 .flags = PlaceFlags(),
                 .positionals = {},
                 .run = RunEnrol});
}

}  // namespace salus::cli
