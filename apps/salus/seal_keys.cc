#include "apps/salus/seal_keys.h"

#include <algorithm>

#include "seal/own_keys.h"
#include "seal/recipient_key.h"
#include "seal/recipient_source.h"
#include "seal/scrypt_recipient.h"

namespace salus::cli {

namespace {

constexpr std::string_view kPatient = "patient:";
constexpr std::string_view kAuditor = "auditor:";

// The key of somebody whom the data directory knows.
Result<crypto::PublicKey> RegisteredKey(Session& session, std::string_view text) {
  if (!session.is_data_place()) {
    return session.Usage("patient:ID and auditor:ID are names in a data directory: add --data DIR");
  }
  TRY(Backend* const place, session.Place(Access::kRead));
  if (text.starts_with(kAuditor)) {
    const std::string id(text.substr(kAuditor.size()));
    TRY(const std::vector<audit::AuditorRow> rows, place->ListAuditors());
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const audit::AuditorRow& row) {
      return row.subject.id == id;
    });
    if (found == rows.end()) return NotFound("no such auditor is registered");
    return crypto::PublicKey(found->key);
  }
  TRY(const audit::Subject patient,
      audit::Subject::Create(audit::SubjectKind::kPatient, session.arguments().Text("--system"),
                             std::string(text.substr(kPatient.size()))));
  TRY(const audit::PatientRow row, place->FindPatient(patient));
  if (!row.key) return FailedPrecondition("the patient has no key of its own yet");
  return crypto::PublicKey(*row.key);
}

Result<seal::Recipients> NamedRecipients(Session& session, const std::string& text) {
  if (!text.starts_with(kPatient) && !text.starts_with(kAuditor)) {
    return seal::ParseRecipient(text, session.clock().Now());
  }
  const Result<crypto::PublicKey> key = RegisteredKey(session, text);
  if (!key) return Error(key.error()).WithContext(text);
  TRY(std::unique_ptr<seal::Recipient> recipient, seal::RecipientOf(*key));
  seal::Recipients out;
  out.push_back(std::move(recipient));
  return out;
}

}  // namespace

Result<void> CheckStandardInput(Session& session) {
  const std::vector<std::string> in = session.arguments().List("IN");
  auto readers = std::max<std::ptrdiff_t>(in.empty(), std::count(in.begin(), in.end(), "-"));
  for (const char* flag : {"--identity", "--recipient", "--recipients-file"}) {
    const std::vector<std::string> given = session.arguments().List(flag);
    readers += std::count(given.begin(), given.end(), "-");
  }
  if (readers <= 1) return {};
  return session.Usage("only one thing is read from the standard input: name files for the rest");
}

Result<SecretBytes> PassphraseOfKey(Session& session) {
  TRY(std::optional<SecretBytes> given, session.Passphrase(false));
  if (given) return *std::move(given);
  return session.AskForPassphrase(false);
}

Result<std::vector<GivenRecipients>> RecipientsAsGiven(Session& session) {
  TRY_VOID(CheckStandardInput(session));
  std::vector<GivenRecipients> all;
  for (const std::string& text : session.arguments().List("--recipient")) {
    TRY(seal::Recipients recipients, NamedRecipients(session, text));
    all.push_back({text, std::move(recipients)});
  }
  for (const std::string& path : session.arguments().List("--recipients-file")) {
    TRY(seal::Recipients recipients, seal::ReadRecipientsFile(path, session.clock().Now()));
    all.push_back({path, std::move(recipients)});
  }
  // Said before anybody types one.
  const bool is_together = !session.arguments().Has("--to-each");
  if (session.arguments().Has("--passphrase") && is_together && !all.empty()) {
    return session.Usage(
        "a file that a passphrase opens has no other recipients: seal it twice, with -p and with "
        "-r");
  }
  TRY(std::optional<SecretBytes> passphrase, session.Passphrase(true));
  if (passphrase) {
    seal::Recipients recipients;
    recipients.push_back(std::make_unique<seal::ScryptRecipient>(*std::move(passphrase)));
    all.push_back({"", std::move(recipients)});
  }
  if (all.empty()) {
    return session.Usage("say whom to seal to: -r RECIPIENT, -R FILE, or -p for a passphrase");
  }
  return all;
}

seal::Recipients Together(std::vector<GivenRecipients> all) {
  seal::Recipients recipients;
  for (GivenRecipients& one : all) {
    std::move(one.recipients.begin(), one.recipients.end(), std::back_inserter(recipients));
  }
  return recipients;
}

Result<seal::Recipients> RecipientsOf(Session& session) {
  TRY(std::vector<GivenRecipients> all, RecipientsAsGiven(session));
  return Together(std::move(all));
}

Result<seal::Identities> NamedIdentities(Session& session) {
  seal::Identities identities;
  for (const std::string& path : session.arguments().List("--identity")) {
    TRY(seal::Identities more,
        seal::ReadIdentityFile(path, [&session] { return PassphraseOfKey(session); }));
    std::move(more.begin(), more.end(), std::back_inserter(identities));
  }
  return identities;
}

Result<seal::Identities> IdentitiesOf(Session& session, const seal::AgeHeader& header) {
  seal::Identities identities;
  if (header.Has("scrypt")) {
    TRY(SecretBytes passphrase, PassphraseOfKey(session));
    identities.push_back(std::make_unique<seal::ScryptIdentity>(std::move(passphrase)));
    return identities;
  }
  TRY(identities, NamedIdentities(session));
  if (identities.empty() && session.arguments().Has("--passphrase")) {
    return FailedPrecondition(
        "no identity matches: the file was not sealed with a passphrase; name a key with -i");
  }
  if (identities.empty()) return session.Usage("say with what to open it: -i IDENTITY");
  return identities;
}

Result<seal::Identities> IdentitiesOfMany(Session& session) {
  TRY(seal::Identities identities, NamedIdentities(session));
  TRY(std::optional<SecretBytes> passphrase, session.Passphrase(false));
  if (passphrase) {
    identities.push_back(std::make_unique<seal::ScryptIdentity>(*std::move(passphrase)));
  }
  if (identities.empty()) return session.Usage("say with what to open them: -i IDENTITY, or -p");
  return identities;
}

}  // namespace salus::cli
