// salus keygen.

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "apps/salus/seal_keys.h"
#include "apps/salus/secret_access.h"
#include "seal/new_key.h"
#include "seal/output_file.h"
#include "seal/own_keys.h"

namespace salus::cli {

namespace {

using seal::OutputFile;

Result<ExitCode> PrintPublic(Session& session, const std::string& path) {
  const bool makes = session.arguments().Has("--output") || session.arguments().Has("--type") ||
                     session.arguments().Has("--public");
  if (makes) {
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

// The later of two files of one name would replace the first.
bool IsSameFile(const std::string& a, const std::string& b) {
  std::error_code ignored;
  const auto resolved = [&ignored](const std::string& path) {
    return std::filesystem::weakly_canonical(std::filesystem::absolute(path, ignored), ignored);
  };
  return a == b || std::filesystem::equivalent(a, b, ignored) || resolved(a) == resolved(b);
}

// A key that only signs has no name on one line.
void SayPublic(Terminal& terminal, const seal::NewKey& key) {
  if (!key.name.empty()) return terminal.Say("Public key: " + key.name);
  terminal.Say("Public key:");
  std::string_view rest = key.public_text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
    terminal.Say(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
}

// What a shell writes the standard output to has the mode that its umask gives.
void WarnOfReaders(Terminal& terminal) {
  struct stat status{};
  const bool is_file = ::fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode);
  if (!is_file || (status.st_mode & 077) == 0) return;
  terminal.Say(
      "warning: others can read the file that the private key was written to: chmod 600 it, and "
      "use -o the next time, which makes it so from the start");
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
  if (!public_path.empty() && IsSameFile(path.empty() ? "-" : path, public_path)) {
    return session.Usage(
        "-o and --public name the same file: the public key would replace the private one");
  }
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
  if (path.empty() || path == "-") WarnOfReaders(session.terminal());
  // Where the key itself is on the screen, so is its public half.
  if (!file->is_terminal()) SayPublic(session.terminal(), key);
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
