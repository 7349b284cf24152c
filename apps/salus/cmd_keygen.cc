// salus keygen.

#include <fmt/format.h>

#include "apps/salus/seal_keys.h"
#include "apps/salus/secret_access.h"
#include "seal/new_key.h"
#include "seal/output_file.h"
#include "seal/own_keys.h"

namespace salus::cli {

namespace {

using seal::OutputFile;

Result<ExitCode> PrintPublic(Session& session, const std::string& path) {
  if (session.arguments().Has("--output") || session.arguments().Has("--type")) {
    return session.Usage("-y prints the public key of a file that is there: it makes none");
  }
  TRY(const seal::OwnKeys keys,
      seal::OwnKeys::Read(path, [&session] { return PassphraseOfKey(session); }));
  fmt::print("{}", keys.PublicText());
  return ExitCode::kDone;
}

Result<std::unique_ptr<OutputFile>> Create(Session& session, const std::string& path,
                                           OutputFile::Content content) {
  const bool is_forced = session.arguments().Has("--force");
  return OutputFile::Create(path, {.content = content,
                                   .if_exists = is_forced ? OutputFile::IfExists::kReplace
                                                          : OutputFile::IfExists::kRefuse});
}

Result<ExitCode> RunKeygen(Session& session) {
  const std::string given = session.arguments().Text("--public-of");
  if (!given.empty()) return PrintPublic(session, given);
  const std::string type_text = session.arguments().Text("--type");
  const Result<seal::KeyType> type =
      seal::ParseKeyType(type_text.empty() ? "x25519" : std::string_view(type_text));
  if (!type) return session.Usage("--type: " + type.error().message);
  const std::string path = session.arguments().Text("--output");
  const std::string public_path = session.arguments().Text("--public");
  // What can't be written is said before a passphrase is asked for.
  TRY(const std::unique_ptr<OutputFile> file,
      Create(session, path.empty() ? "-" : path, OutputFile::Content::kOpened));
  std::unique_ptr<OutputFile> public_file;
  if (!public_path.empty()) {
    TRY(public_file, Create(session, public_path, OutputFile::Content::kSealed));
  }
  TRY(const std::optional<SecretBytes> passphrase, session.Passphrase(true));
  TRY(const seal::NewKey key,
      seal::NewKey::Make(*type, session.clock().Now(), passphrase ? &*passphrase : nullptr,
                         session.random()));
  TRY_VOID(file->Write(key.file.view(CliSecrets::Token())));
  TRY_VOID(file->Commit());
  if (public_file != nullptr) {
    TRY_VOID(public_file->Write(AsBytes(key.public_text)));
    TRY_VOID(public_file->Commit());
  }
  // Where the key itself is on the screen, so is its public half.
  if (!file->is_terminal() && !key.name.empty()) {
    session.terminal().Say("Public key: " + key.name);
  }
  return ExitCode::kDone;
}

}  // namespace

void AddKeygenCommands(std::vector<Command>& all) {
  all.push_back(
      {.noun = "keygen",
       .verb = "",
       .summary = "Make a key pair that files are sealed to, or that signs them",
       .details =
           "Types: x25519 (the default, a file as age-keygen writes it), p256, rsa2048, rsa3072, "
           "rsa4096 and, for signing only, ed25519 (PKCS #8 in PEM). The file of the private key "
           "gets mode 0600; only its public half, which is printed, is for others.",
       .examples = {"salus keygen -o key.txt", "salus keygen -y key.txt",
                    "salus keygen --type p256 -p -o key.pem --public public.pem"},
       .flags = {{"--output", FlagKind::kText, "FILE",
                  "write the private key here instead of to the standard output", "-o"},
                 {"--type", FlagKind::kText, "TYPE", "type of the key; x25519 without it"},
                 {"--public", FlagKind::kText, "FILE", "write the public key here"},
                 {"--passphrase", FlagKind::kSwitch, "",
                  "protect the private key with a passphrase, which is asked for", "-p"},
                 {"--passphrase-file", FlagKind::kText, "FILE", "read the passphrase from a file"},
                 {"--public-of", FlagKind::kText, "FILE",
                  "make nothing: print the public key of this private key", "-y"},
                 {"--force", FlagKind::kSwitch, "", "replace files that are there"}},
       .positionals = {},
       .run = RunKeygen});
}

}  // namespace salus::cli
