// salus safety-number.

#include <fmt/format.h>

#include <filesystem>

#include "apps/salus/signer_files.h"
#include "seal/recipient_source.h"
#include "seal/safety_number.h"

namespace salus::cli {

namespace {

// A certificate counts with both of its keys, under its identity, else its name; a bare key, and a
// recipient as text, have no identifier.
Result<seal::SafetyParty> PartyOf(Session& session, const std::string& text) {
  if (!std::filesystem::exists(text)) {
    TRY(const seal::Recipients recipients, seal::ParseRecipient(text, session.clock().Now()));
    return seal::SafetyParty{.key = ToBytes(recipients.front()->Name()), .identifier = ""};
  }
  TRY(const KnownSigner known, ReadKnownSigner(text));
  seal::SafetyParty party{.key = crypto::EncodePublicKeyDer(known.key), .identifier = ""};
  if (known.certificates.empty()) return party;
  const pki::Certificate& certificate = known.certificates.front();
  TRY(const auto encryption, certificate.encryption_key());
  if (encryption) Append(party.key, crypto::EncodePublicKeyDer(*encryption));
  party.identifier =
      certificate.identity() ? certificate.uri_names().front() : certificate.subject();
  return party;
}

Result<ExitCode> RunSafetyNumber(Session& session) {
  TRY(const seal::SafetyParty a, PartyOf(session, session.arguments().Text("A")));
  TRY(const seal::SafetyParty b, PartyOf(session, session.arguments().Text("B")));
  if (a.key == b.key && a.identifier == b.identifier) {
    return session.Usage("both are the same key: a safety number is of two parties");
  }
  fmt::print("{}\n", seal::GroupDigits(seal::SafetyNumber(a, b)));
  return ExitCode::kDone;
}

}  // namespace

void AddSafetyNumberCommand(std::vector<Command>& all) {
  all.push_back(
      {.noun = "safety-number",
       .verb = "",
       .summary = "The number that two people compare by voice, to know each other's keys",
       .details = "Both get the same 60 digits, whichever of the two stands first, if each has the "
                  "other's "
                  "real key. Both must give the same kind of thing for the same person: both the "
                  "certificate, or both the key.",
       .examples = {"salus safety-number ./ana ben-certificate.pem"},
       .flags = {},
       .positionals = {{"A", "a certificate, public key, identity directory, or age1...", true},
                       {"B", "the other", true}},
       .run = RunSafetyNumber});
}

}  // namespace salus::cli
