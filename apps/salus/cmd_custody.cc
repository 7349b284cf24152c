// salus custody release, join.

#include <fmt/format.h>

#include <filesystem>

#include "apps/salus/holder_key.h"
#include "apps/salus/session.h"
#include "apps/salus/verified_history.h"
#include "audit/custody.h"
#include "pki/key_file.h"

namespace salus::cli {

namespace {

// A share goes to the key that the patient told, and not to whichever one the place names: who gets
// enough of them reads the patient's past.
Result<void> CheckTold(Session& session, const crypto::P256PublicKey& named) {
  const std::string told = session.arguments().Text("--key");
  if (told.empty() && session.is_data_place()) return {};
  if (told != KeyPrint(named)) {
    return VerificationFailed(
        fmt::format("--key is not the key that the place names for this patient, {}: nothing is "
                    "released. Ask the patient, not the operator, for the key (salus identity show "
                    "DIR); if it is the one of --key, somebody else would read this past",
                    KeyPrint(named)));
  }
  return {};
}

Result<ExitCode> RunRelease(Session& session) {
  if (!session.is_data_place()) TRY_VOID(session.Required("--key"));
  TRY(const audit::Subject patient, session.SubjectOf(audit::SubjectKind::kPatient, "--patient"));
  TRY(const pki::IdentityDirectory* identity, session.Identity());
  if (identity->chain().empty()) return FailedPrecondition("the custodian has no certificate yet");
  TRY(const pki::Identity name, identity->chain().front().identity());
  if (name.role != pki::Role::kCustodian) {
    return session.Usage("--as must be a custodian's identity directory");
  }
  TRY(Backend* const place, session.Place(Access::kWrite));
  TRY(const CustodyView view, place->Custody(patient));
  if (!view.patient_key) {
    return FailedPrecondition(
        "the patient has no key of its own yet: enrol it first (salus patient "
        "add ID --certificate FILE)");
  }
  TRY_VOID(CheckTold(session, *view.patient_key));
  for (const audit::CustodyShareRow& share : view.shares) {
    if (share.custodian_id != name.id) continue;
    if (view.is_own_released || !share.released_share.empty()) {
      session.terminal().Say(
          fmt::format("released before: {} of {} shares that are needed are released",
                      view.released_count, view.threshold));
      return ExitCode::kDone;
    }
    TRY(const std::string released, audit::ReleaseShare(share, identity->encryption_key(),
                                                        *view.patient_key, session.random()));
    TRY_VOID(place->ReleaseShare(patient, name.id, released));
    session.terminal().Say(
        fmt::format("the share was sealed anew to the patient's key: {} of {} shares that are "
                    "needed are released",
                    view.released_count + 1, view.threshold),
        Colour::kGreen);
    return ExitCode::kDone;
  }
  return NotFound("this custodian holds no share of that patient");
}

Result<ExitCode> RunJoin(Session& session) {
  TRY(const audit::Subject patient, session.Reader());
  if (patient.kind != audit::SubjectKind::kPatient) {
    return session.Usage("--as must be a patient's identity directory");
  }
  TRY(const pki::IdentityDirectory* identity, session.Identity());
  const std::filesystem::path path = identity->path() / kCustodyKeyFile;
  if (std::filesystem::exists(path)) {
    session.terminal().Say("joined before: " + path.string());
    return ExitCode::kDone;
  }
  TRY(Backend* const place, session.Place(Access::kRead));
  TRY(const CustodyView view, place->Custody(patient));
  if (!view.custody_key) return NotFound("nothing of this patient is in custody");
  if (view.released_count < view.threshold) {
    return FailedPrecondition(
        fmt::format("{} of {} shares are released: ask the custodians for salus custody release",
                    view.released_count, view.threshold));
  }
  TRY(crypto::P256PrivateKey key,
      audit::JoinCustody(patient, view.shares, view.threshold, identity->encryption_key(),
                         *view.custody_key));
  TRY_VOID(pki::WritePrivateKeyFile(path, crypto::PrivateKey(std::move(key)),
                                    session.identity_passphrase()));
  session.terminal().Say("joined: the past is open to this identity (" + path.string() + ")",
                         Colour::kGreen);
  return ExitCode::kDone;
}

}  // namespace

void AddCustodyCommands(std::vector<Command>& all) {
  all.push_back(
      {.noun = "custody",
       .verb = "release",
       .summary = "A custodian's share, sealed anew to the enrolled patient's key",
       .details =
           "The share is sealed to the key of --key only, which the patient reads from salus "
           "identity show, and tells the custodian on another way than over the place: "
           "whoever holds enough released shares reads the patient's past.",
       .examples = {"salus custody release --patient p-18 --key 5d0e... --as ./custodian-1 "
                    "--server clinic"},
       .flags = With({{"--patient", FlagKind::kText, "ID", "the patient"},
                      {"--key", FlagKind::kText, "FINGERPRINT",
                       "the patient's key, as the patient told it (with --data: may be left out)"},
                      {"--system", FlagKind::kText, "SYSTEM", "naming system of the id"}},
                     {PlaceFlags()}),
       .positionals = {},
       .run = RunRelease});
  all.push_back({.noun = "custody",
                 .verb = "join",
                 .summary = "Join released shares on the patient's device: opens the past",
                 .details = "The joined key is kept as custody.key in the identity directory.",
                 .examples = {"salus custody join --as ./ben --data /srv/salus"},
                 .flags = With({{"--system", FlagKind::kText, "SYSTEM", "naming system of the id"}},
                               {PlaceFlags()}),
                 .positionals = {},
                 .run = RunJoin});
}

}  // namespace salus::cli
