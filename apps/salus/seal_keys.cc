#include "apps/salus/seal_keys.h"

#include "apps/salus/secret_access.h"
#include "codec/bech32.h"
#include "pki/key_file.h"
#include "seal/scrypt_recipient.h"
#include "seal/x25519_recipient.h"

namespace salus::cli {

namespace {

Result<std::unique_ptr<seal::Recipient>> OneRecipient(const std::string& text) {
  TRY(const codec::Bech32Text key, codec::Bech32Decode(text));
  if (key.prefix != "age" || key.bytes.size() != 32) {
    return InvalidArgument("is no recipient: it must be age1...");
  }
  const std::span<const std::uint8_t, 32> bytes(key.bytes);
  return std::make_unique<seal::X25519Recipient>(ToArray(bytes));
}

Result<void> AddIdentities(const std::string& path, seal::Identities& identities) {
  TRY(const SecretBytes file, pki::ReadKeyFile(path));
  std::string_view rest = AsText(file.view(CliSecrets::Token()));
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.empty() || line.front() == '#') continue;
    SecretArray<32> key;
    TRY(const std::size_t size,
        codec::Bech32DecodeInto("age-secret-key-", line, key.mutable_view(CliSecrets::Token())));
    if (size != 32) return InvalidArgument("an identity has 32 bytes");
    identities.push_back(
        std::make_unique<seal::X25519Identity>(crypto::X25519PrivateKey::FromBytes(key)));
  }
  return {};
}

}  // namespace

Result<seal::Recipients> RecipientsOf(Session& session) {
  seal::Recipients recipients;
  for (const std::string& text : session.arguments().List("--recipient")) {
    Result<std::unique_ptr<seal::Recipient>> one = OneRecipient(text);
    if (!one) return std::move(one.error()).WithContext(text);
    recipients.push_back(*std::move(one));
  }
  TRY(std::optional<SecretBytes> passphrase, session.Passphrase(true));
  if (passphrase) {
    recipients.push_back(std::make_unique<seal::ScryptRecipient>(*std::move(passphrase)));
  }
  if (recipients.empty()) {
    return session.Usage("say whom to seal to: -r RECIPIENT, -R FILE, or -p for a passphrase");
  }
  return recipients;
}

Result<seal::Identities> NamedIdentities(Session& session) {
  seal::Identities identities;
  for (const std::string& path : session.arguments().List("--identity")) {
    const Result<void> added = AddIdentities(path, identities);
    if (!added) return Error(added.error()).WithContext(path);
  }
  return identities;
}

Result<seal::Identities> IdentitiesOf(Session& session, const seal::AgeHeader& header) {
  seal::Identities identities;
  if (header.Has("scrypt")) {
    TRY(std::optional<SecretBytes> passphrase, session.Passphrase(false));
    if (!passphrase) {
      TRY(passphrase, session.AskForPassphrase(false));
    }
    identities.push_back(std::make_unique<seal::ScryptIdentity>(*std::move(passphrase)));
    return identities;
  }
  TRY(identities, NamedIdentities(session));
  if (identities.empty()) return session.Usage("say with what to open it: -i IDENTITY");
  return identities;
}

}  // namespace salus::cli
