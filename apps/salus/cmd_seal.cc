// salus seal, open, inspect.

#include <fmt/format.h>

#include <map>

#include "apps/salus/course_files.h"
#include "apps/salus/input_file.h"
#include "apps/salus/seal_keys.h"
#include "apps/salus/signed_seal.h"
#include "codec/json.h"
#include "seal/age_file.h"
#include "seal/output_file.h"

namespace salus::cli {

namespace {

constexpr char kAdvice[] =
    "the file is not what was sealed, or not all of it: throw away what came out, and ask the "
    "sender "
    "for it again.";

using Content = seal::OutputFile::Content;

Result<std::unique_ptr<seal::OutputFile>> OpenOutput(Session& session, Content content) {
  const std::string path = session.arguments().Text("--output");
  const bool is_forced = session.arguments().Has("--force");
  return seal::OutputFile::Create(path.empty() ? "-" : path,
                                  {.content = content,
                                   .if_exists = is_forced ? seal::OutputFile::IfExists::kReplace
                                                          : seal::OutputFile::IfExists::kRefuse});
}

Result<ExitCode> RunSeal(Session& session) {
  TRY(const bool is_course, WantsCourse(session));
  TRY(const seal::Recipients recipients, RecipientsOf(session));
  TRY(const std::optional<seal::Signer> signer, SealSigner(session));
  if (signer && is_course) return session.Usage("--sign needs the age format");
  TRY(const std::unique_ptr<InputFile> input, InputFile::Open(session.arguments().Text("IN")));
  TRY(const std::unique_ptr<seal::OutputFile> output, OpenOutput(session, Content::kSealed));
  seal::SealSettings settings;
  if (signer) settings.markers.emplace_back(seal::kSignedMarker);
  settings.is_armored = session.arguments().Has("--armor");
  if (output->is_terminal() && !settings.is_armored) {
    return session.Usage(
        "the output is a terminal, which can't show bytes: name a file with -o, or take -a for "
        "text");
  }
  if (is_course) {
    TRY_VOID(SealCourseFile(session, recipients, *input, *output));
    TRY_VOID(output->Commit());
    return ExitCode::kDone;
  }
  TRY(const std::unique_ptr<seal::AgeSealer> sealer,
      seal::AgeSealer::Start(*output, recipients, settings, session.random()));
  ProgressBar bar(session.terminal(), "sealing", "bytes", input->size_bytes());
  const seal::Moved moved = [&bar](std::uint64_t bytes) { bar.Set(bytes); };
  if (signer) {
    TRY_VOID(SealSigned(session, *signer, recipients, *input, *sealer, moved));
  } else {
    TRY_VOID(sealer->SealAll(*input, moved));
  }
  TRY_VOID(output->Commit());
  return ExitCode::kDone;
}

// Unlock returns the name of the identity that opens the file.
Result<std::string> Unlock(Session& session, seal::AgeOpener& opener) {
  TRY(const seal::Identities identities, IdentitiesOf(session, opener.header()));
  Result<std::size_t> unlocked = opener.Unlock(identities);
  if (!unlocked && unlocked.error().code == ErrorCode::kFailedPrecondition &&
      opener.header().Has("scrypt")) {
    return FailedPrecondition("the passphrase is wrong");
  }
  if (!unlocked) return std::move(unlocked.error());
  return identities[*unlocked]->Name();
}

Result<ExitCode> OpenAsCourse(Session& session, const seal::Identities& identities,
                              const InputFile& input, seal::BufferedSource& source) {
  TRY(const std::unique_ptr<seal::OutputFile> output, OpenOutput(session, Content::kOpened));
  TRY_VOID(OpenCourseFile(session, identities, input, source, *output));
  TRY_VOID(output->Commit());
  return ExitCode::kDone;
}

Result<ExitCode> RunOpen(Session& session) {
  TRY(const std::unique_ptr<InputFile> input, InputFile::Open(session.arguments().Text("IN")));
  seal::BufferedSource source(*input);
  TRY(const std::optional<seal::Identities> course, CourseIdentities(session, *input, source));
  if (course && (session.arguments().Has("--signer") || session.arguments().Has("--trust"))) {
    return VerificationFailed("a course file is never signed, and a signer was asked for");
  }
  if (course) return OpenAsCourse(session, *course, *input, source);
  TRY(const std::unique_ptr<seal::AgeOpener> opener, seal::AgeOpener::Start(source));
  TRY(const std::string own_name, Unlock(session, *opener));
  TRY(const std::unique_ptr<seal::OutputFile> output, OpenOutput(session, Content::kOpened));
  TRY(const std::unique_ptr<SignedOpening> opening,
      SignedOpening::Begin(session, opener->header(), *output));
  ProgressBar bar(session.terminal(), "opening", "bytes", input->size_bytes());
  TRY_VOID(opener->OpenAll(opening->sink(), [&](std::uint64_t moved) { bar.Set(moved); }));
  TRY_VOID(opening->Finish(session, own_name));
  TRY_VOID(output->Commit());
  return ExitCode::kDone;
}

// The plaintext's size, from that of everything: 16 bytes of nonce, and of each chunk's tag.
std::uint64_t ContentSize(const InputFile& input, const seal::AgeOpener& opener) {
  const std::uint64_t overhead = opener.header().size_bytes() + 16;
  if (input.size_bytes() < overhead + 16) return 0;
  const std::uint64_t payload = input.size_bytes() - overhead;
  const std::uint64_t chunks = (payload + seal::kSealedChunkBytes - 1) / seal::kSealedChunkBytes;
  return payload - chunks * (seal::kSealedChunkBytes - seal::kChunkBytes);
}

Result<ExitCode> RunInspect(Session& session) {
  TRY(const OutputFormat format, session.Format());
  TRY(const std::unique_ptr<InputFile> input, InputFile::Open(session.arguments().Text("FILE")));
  TRY(const std::unique_ptr<seal::AgeOpener> opener, seal::AgeOpener::Start(*input));
  std::map<std::string, std::uint64_t> counts;
  bool is_archive = false;
  bool is_signed = false;
  for (const seal::Stanza& stanza : opener->header().stanzas()) {
    is_archive = is_archive || stanza.type == seal::kArchiveMarker;
    is_signed = is_signed || stanza.type == seal::kSignedMarker;
    const bool is_marker =
        stanza.type == seal::kArchiveMarker || stanza.type == seal::kSignedMarker;
    if (!is_marker) ++counts[stanza.type];
  }
  codec::JsonArray recipients;
  for (const auto& [type, count] : counts) {
    recipients.push_back(codec::JsonObject{{"type", type}, {"count", count}});
  }
  codec::JsonObject report{{"format", "age-encryption.org/v1"},
                           {"armored", opener->is_armored()},
                           {"recipients", std::move(recipients)},
                           {"holds", is_archive ? "folder" : "file"},
                           {"signed", is_signed},
                           {"header_bytes", opener->header().size_bytes()}};
  const bool knows_size = input->is_regular() && !opener->is_armored();
  if (knows_size) report["content_bytes"] = ContentSize(*input, *opener);
  if (format == OutputFormat::kJson) {
    fmt::print("{}", codec::WriteJsonPretty(report));
    return ExitCode::kDone;
  }
  fmt::print("format      age v1{}\n", opener->is_armored() ? ", armored" : "");
  fmt::print("holds       a {}{}\n", is_archive ? "folder" : "file",
             is_signed ? ", signed (open it to see by whom)" : "");
  for (const auto& [type, count] : counts) {
    fmt::print("recipients  {} of type {}\n", count, Printable(type));
  }
  fmt::print("header      {} bytes\n", opener->header().size_bytes());
  if (knows_size) fmt::print("content     {} bytes\n", ContentSize(*input, *opener));
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
           "The format is age v1, which many programs read. Without IN the standard input is "
           "sealed. To a file, the output appears when it is whole.",
       .examples = {"salus seal -r age1... -o report.pdf.age report.pdf",
                    "tar c records | salus seal -R team.txt > records.tar.age",
                    "salus seal -p -o notes.age notes.txt"},
       .flags = With(
           {{"--recipient", FlagKind::kList, "RECIPIENT", "whom to seal to; may be repeated", "-r"},
            {"--recipients-file", FlagKind::kList, "FILE",
             "a file with a recipient in each line; may be repeated", "-R"},
            {"--passphrase", FlagKind::kSwitch, "", "seal with a passphrase, which is asked for",
             "-p"},
            kPassphraseFile,
            {"--armor", FlagKind::kSwitch, "", "write text, for mail", "-a"},
            kFormat,
            kOutput,
            kForce},
           {SealSignFlags()}),
       .positionals = {{"IN", "the file to seal", false}},
       .run = RunSeal,
       .tampered_advice = kAdvice});
  all.push_back(
      {.noun = "open",
       .verb = "",
       .summary = "Open a sealed file",
       .details =
           "To a file, the output appears when all of it is authentic, or not at all (exit code "
           "3). To a pipe it goes chunk by chunk, each authenticated: exit code 3 then means that "
           "what came must be thrown away.",
       .examples = {"salus open -i key.txt -o report.pdf report.pdf.age",
                    "salus open -i key.txt records.tar.age | tar x"},
       .flags = With(
           {{"--identity", FlagKind::kList, "IDENTITY", "a private key; may be repeated", "-i"},
            {"--passphrase", FlagKind::kSwitch, "", "ask for the passphrase", "-p"},
            kPassphraseFile,
            kFormat,
            kOutput,
            kForce},
           {OpenSignerFlags()}),
       .positionals = {{"IN", "the file to open", false}},
       .run = RunOpen,
       .tampered_advice = kAdvice});
  all.push_back(
      {.noun = "inspect",
       .verb = "",
       .summary = "Show what a sealed file tells without being opened",
       .details = "Nothing of it is proven before the file is opened.",
       .examples = {"salus inspect report.pdf.age", "salus inspect --json report.pdf.age"},
       .flags = OutputFlags(),
       .positionals = {{"FILE", "the sealed file", true}},
       .run = RunInspect,
       .tampered_advice = kAdvice});
}

}  // namespace salus::cli
