// salus safety-number.

#include <fmt/format.h>

#include "apps/salus/signer_files.h"
#include "seal/known_key.h"
#include "seal/safety_number.h"

namespace salus::cli {

namespace {

// No identifier: then a key has one number, with a certificate and without.
Result<seal::SafetyParty> PartyOf(const std::string& given) {
  TRY(const seal::KnownKey known, ReadKnown(given));
  auto key = seal::CanonicalKey(known);
  if (!key) return std::move(key.error()).WithContext(given);
  return seal::SafetyParty{.key = *std::move(key), .identifier = ""};
}

Result<ExitCode> RunSafetyNumber(Session& session) {
  TRY(const seal::SafetyParty a, PartyOf(session.arguments().Text("A")));
  TRY(const seal::SafetyParty b, PartyOf(session.arguments().Text("B")));
  if (a.key == b.key) {
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
       .details =
           "Both get the same 60 digits, whichever of the two stands first, if each has the "
           "other's "
           "real key. A key has one number, whether it is given as text, in a file, or in a "
           "certificate. The certificate of a Salus identity, and its directory, stand for both of "
           "its keys, the signing and the encryption key: both people must then give that.",
       .examples = {"salus safety-number ./ana ben-certificate.pem"},
       .flags = {},
       .positionals = {{"A", "a key (age1..., ssh-...), a file with one, or an identity directory",
                        true},
                       {"B", "the other", true}},
       .run = RunSafetyNumber});
}

}  // namespace salus::cli
