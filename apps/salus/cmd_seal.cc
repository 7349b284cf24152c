// salus seal, open.

#include <filesystem>

#include "apps/salus/course_files.h"
#include "apps/salus/input_file.h"
#include "apps/salus/seal_keys.h"
#include "apps/salus/seal_many.h"
#include "apps/salus/seal_one.h"
#include "apps/salus/stop_signals.h"
#include "seal/age_file.h"
#include "seal/output_file.h"

namespace salus::cli {

namespace {

constexpr char kAdvice[] =
    "the file is not what was sealed, or not all of it: throw away what came out, and ask the "
    "sender for it again.";

using Content = seal::OutputFile::Content;

Result<std::unique_ptr<seal::OutputFile>> OpenOutput(Session& session, Content content) {
  const std::string path = session.arguments().Text("--output");
  const bool is_forced = session.arguments().Has("--force");
  return seal::OutputFile::Create(path.empty() ? "-" : path,
                                  {.content = content,
                                   .if_exists = is_forced ? seal::OutputFile::IfExists::kReplace
                                                          : seal::OutputFile::IfExists::kRefuse});
}

Error TerminalError(Session& session) {
  return session.Usage(
      "the output is a terminal, which can't show bytes: name a file with -o, or take -a for "
      "text");
}

Result<ExitCode> SealCourse(Session& session, const seal::Recipients& recipients) {
  TRY(const std::unique_ptr<InputFile> input, InputFile::Open(session.arguments().Text("IN")));
  TRY(const std::unique_ptr<seal::OutputFile> output, OpenOutput(session, Content::kSealed));
  if (output->is_terminal()) return TerminalError(session);
  TRY_VOID(SealCourseFile(session, recipients, *input, *output));
  TRY_VOID(output->Commit());
  return ExitCode::kDone;
}

Result<ExitCode> RunSeal(Session& session) {
  if (IsForMany(session)) return SealMany(session);
  TRY(const bool is_course, WantsCourse(session));
  TRY(const seal::Recipients recipients, RecipientsOf(session));
  TRY(const std::optional<seal::Signer> signer, SealSigner(session));
  if (signer && is_course) return session.Usage("--sign needs the age format");
  if (is_course) return SealCourse(session, recipients);
  TRY(const std::unique_ptr<seal::OutputFile> output, OpenOutput(session, Content::kSealed));
  const Sealing sealing{recipients, signer, session.arguments().Has("--armor")};
  if (output->is_terminal() && !sealing.is_armored) return TerminalError(session);
  ProgressBar bar(session.terminal(), "sealing", "bytes", 0);
  TRY_VOID(SealInto(session, sealing, session.arguments().Text("IN"), *output, &bar));
  TRY_VOID(output->Commit());
  return ExitCode::kDone;
}

// A course's file has no mark by which it could be told from any other.
Error StartError(const Session& session, Error error) {
  if (error.message.starts_with("this is no sealed file") && !session.arguments().Has("--format")) {
    error.message += "; a course's file opens with its RSA private key (-i) and --format course";
  }
  return error;
}

Result<ExitCode> OpenAsCourse(Session& session, const seal::Identities& identities,
                              const InputFile& input, seal::BufferedSource& source) {
  TRY(const std::unique_ptr<seal::OutputFile> output, OpenOutput(session, Content::kOpened));
  TRY_VOID(OpenCourseFile(session, identities, input, source, *output));
  TRY_VOID(output->Commit());
  return ExitCode::kDone;
}

// Anything but a pipe or a device: those get the archive, as they get a file.
bool IsFolderTarget(const Session& session) {
  const std::string path = session.arguments().Text("--output");
  if (path.empty() || path == "-") return false;
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  return !std::filesystem::is_other(status);
}

// A folder can't be replaced at one stroke as a file can.
Result<ExitCode> OpenFolder(Session& session, const Opening& opening) {
  if (session.arguments().Has("--force")) {
    return session.Usage("a folder is never replaced: remove it, or choose another name");
  }
  TRY_VOID(OpenFolderAt(session, opening, session.arguments().Text("--output"),
                        seal::OutputFile::Durability::kEachFile));
  return ExitCode::kDone;
}

Result<ExitCode> RunOpen(Session& session) {
  TRY_VOID(CheckStandardInput(session));
  const StopSignals signals;
  if (IsForMany(session)) return OpenMany(session);
  TRY(const std::unique_ptr<InputFile> input, InputFile::Open(session.arguments().Text("IN")));
  seal::BufferedSource source(*input);
  TRY(const std::optional<seal::Identities> course, CourseIdentities(session, *input, source));
  if (course && (session.arguments().Has("--signer") || session.arguments().Has("--trust"))) {
    return NotSigned(session, "a course file is never signed");
  }
  if (course) return OpenAsCourse(session, *course, *input, source);
  Result<std::unique_ptr<seal::AgeOpener>> started = seal::AgeOpener::Start(source);
  if (!started) return StartError(session, std::move(started.error()));
  const std::unique_ptr<seal::AgeOpener> opener = *std::move(started);
  TRY(const seal::Identities identities, IdentitiesOf(session, opener->header()));
  TRY(const std::string own_name, UnlockWith(*opener, identities));
  ProgressBar bar(session.terminal(), "opening", "bytes", input->size_bytes());
  const Opening opening{*opener, own_name, seal::DefaultThreads(),
                        [&bar](std::uint64_t moved) { bar.Set(moved); }};
  // Behind a passphrase nothing says that it is a folder: -o DIR/ does.
  const bool is_folder =
      HoldsFolder(*opener) || session.arguments().Text("--output").ends_with('/');
  if (is_folder && IsFolderTarget(session)) return OpenFolder(session, opening);
  TRY(const std::unique_ptr<seal::OutputFile> output, OpenOutput(session, Content::kOpened));
  if (is_folder && output->is_terminal()) {
    return session.Usage("it holds a folder: say with -o how to call it, or pipe it to tar x");
  }
  TRY_VOID(OpenInto(session, opening, *output));
  return ExitCode::kDone;
}

const Flag kFormat{"--format", FlagKind::kText, "FORMAT",
                   "age, or course: the old format of the security lecture, for one RSA key"};
const Flag kForce{"--force", FlagKind::kSwitch, "", "replace a file that is there"};
const Flag kOutput{"--output", FlagKind::kText, "OUT",
                   "write here instead of to the standard output", "-o"};
const Flag kPassphraseFile{"--passphrase-file", FlagKind::kText, "FILE",
                           "read the passphrase from a file"};

}  // namespace

void AddSealCommands(std::vector<Command>& all) {
  all.push_back(
      {.noun = "seal",
       .verb = "",
       .summary = "Seal a file so that only its recipients open it",
       .details =
           "A RECIPIENT is a key (age1..., ssh-ed25519 ..., ssh-rsa ...), a file with one (a "
           "certificate, a JWK, PEM, an SSH .pub file, a list), an identity directory, or "
           "patient:ID "
           "or auditor:ID of a data directory. "
           "The format is age v1, which many programs read. Without IN the standard input is "
           "sealed. To a file, the output appears when it is whole. A folder is sealed as an "
           "archive, which open unpacks, and 'age -d | tar x' too. With -O, many files and "
           "folders go to OUTDIR/NAME.age, and are made durable together.",
       .examples = {"salus seal -r age1... -o report.pdf.age report.pdf",
                    "salus seal -R team.txt -o records.age records/",
                    "salus seal -R team.txt -O sealed *.pdf",
                    "pg_dump records | salus seal -R team.txt > records.sql.age",
                    "salus seal -p -o notes.age notes.txt"},
       .flags = With(
           {{"--recipient", FlagKind::kList, "RECIPIENT", "whom to seal to; may be repeated", "-r"},
            {"--recipients-file", FlagKind::kList, "FILE",
             "a file with a recipient in each line; may be repeated", "-R"},
            {"--passphrase", FlagKind::kSwitch, "", "seal with a passphrase, which is asked for",
             "-p"},
            kPassphraseFile,
            {"--data", FlagKind::kText, "DIR",
             "the data directory that knows patient:ID and auditor:ID [SALUS_DATA]"},
            {"--system", FlagKind::kText, "SYSTEM", "naming system of patient:ID"},
            {"--armor", FlagKind::kSwitch, "", "write text, for mail", "-a"},
            kFormat,
            kOutput,
            OutputFolderFlag(),
            ToEachFlag(),
            kForce},
           {SealSignFlags()}),
       .positionals = {{"IN", "the file or folder to seal", false, true}},
       .run = RunSeal,
       .tampered_advice = kAdvice});
  all.push_back(
      {.noun = "open",
       .verb = "",
       .summary = "Open a sealed file",
       .details =
           "To a file, the output appears when all of it is authentic, or not at all (exit code "
           "3). To a pipe it goes chunk by chunk, each authenticated: exit code 3 then means that "
           "what came must be thrown away. A sealed folder is unpacked as OUT, which must not be "
           "there yet; without -o its archive goes to the standard output.",
       .examples = {"salus open -i key.txt -o report.pdf report.pdf.age",
                    "salus open -i key.txt -o records records.age",
                    "salus open -i key.txt -O opened sealed/*.age"},
       .flags = With({{"--identity", FlagKind::kList, "IDENTITY",
                       "a file with private keys (of age, SSH, PEM, JWK), or an identity "
                       "directory; may be repeated",
                       "-i"},
                      {"--passphrase", FlagKind::kSwitch, "", "ask for the passphrase", "-p"},
                      kPassphraseFile,
                      kFormat,
                      kOutput,
                      OutputFolderFlag(),
                      kForce},
                     {OpenSignerFlags()}),
       .positionals = {{"IN", "the file to open", false, true}},
       .run = RunOpen,
       .tampered_advice = kAdvice});
}

}  // namespace salus::cli
