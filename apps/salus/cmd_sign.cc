// salus sign, verify.

#include <fmt/format.h>

#include <filesystem>

#include "apps/salus/input_file.h"
#include "apps/salus/seal_keys.h"
#include "apps/salus/signer_files.h"
#include "codec/json.h"
#include "pki/cms.h"
#include "pki/pem.h"
#include "seal/output_file.h"

namespace salus::cli {

namespace {

constexpr char kAdvice[] =
    "don't take the file for the signer's on this signature: ask them for both again.";
constexpr char kOtherSigner[] =
    "the signature fits the content; who made it is not shown to be who you asked for. Find out "
    "whose key it is before you take the file for anybody's.";
constexpr char kUnproven[] =
    "WHO SIGNED IS NOT PROVEN: anybody can make a key. Give the signer's with --key, or the roots "
    "that you trust with --trust.";

bool IsStandardInput(const std::string& path) { return path.empty() || path == "-"; }

Result<std::string> SignatureOf(Session& session, seal::ByteSource& input,
                                const seal::Signer& signer) {
  const Timestamp now = session.clock().Now();
  if (!session.arguments().Has("--cms")) {
    TRY(std::string jws, seal::SignFileJws(input, signer, now));
    return jws + "\n";
  }
  TRY(const Bytes cms, seal::SignFileCms(input, signer, now));
  if (session.arguments().Has("--pem")) return pki::PemEncode(pki::kCmsPemLabel, cms);
  return std::string(AsText(cms));
}

Result<ExitCode> RunSign(Session& session) {
  const Arguments& arguments = session.arguments();
  TRY(const std::string key, session.Required("--key"));
  if (arguments.Has("--pem") && !arguments.Has("--cms")) return session.Usage("--pem needs --cms");
  const std::string path = arguments.Text("FILE");
  std::string out = arguments.Text("--output");
  if (out.empty()) {
    out = IsStandardInput(path) ? "-" : path + (arguments.Has("--cms") ? ".p7s" : ".jws");
  }
  TRY(const std::unique_ptr<InputFile> input, InputFile::Open(path));
  TRY(const seal::Signer signer, ReadSigner(key, arguments.Text("--certificate"),
                                            [&session] { return PassphraseOfKey(session); }));
  TRY(const std::unique_ptr<seal::OutputFile> output,
      seal::OutputFile::Create(
          out, {.if_exists = arguments.Has("--force") ? seal::OutputFile::IfExists::kReplace
                                                      : seal::OutputFile::IfExists::kRefuse}));
  TRY(const std::string signature, SignatureOf(session, *input, signer));
  TRY_VOID(output->Write(AsBytes(signature)));
  TRY_VOID(output->Commit());
  session.terminal().Say(fmt::format("signed with the key SHA-256 {}: {}",
                                     seal::KeyFingerprint(crypto::PublicKeyOf(signer.key)),
                                     out == "-" ? "standard output" : out));
  return ExitCode::kDone;
}

Result<std::string> SignaturePath(Session& session, const std::string& file) {
  if (session.arguments().Has("--signature")) return session.arguments().Text("--signature");
  if (!IsStandardInput(file)) {
    for (const char* const ending : {".jws", ".p7s"}) {
      if (std::filesystem::exists(file + ending)) return file + ending;
    }
  }
  return session.Usage("say where the signature is: --signature SIG");
}

Result<seal::VerifiedSignature> VerifyWith(const std::string& signature, seal::ByteSource& input,
                                           const Expectation& expected) {
  const auto& known = expected.known();
  if (seal::IsJws(AsBytes(signature))) {
    std::optional<crypto::PublicKey> key;
    if (known) key = known->key;
    return seal::VerifyFileJws(signature, input, key);
  }
  return seal::VerifyFileCms(
      AsBytes(signature), input,
      known ? std::span(known->certificates) : std::span<const pki::Certificate>());
}

Result<ExitCode> RunVerify(Session& session) {
  TRY(const OutputFormat format, session.Format());
  const std::string path = session.arguments().Text("FILE");
  TRY(const std::string signature_path, SignaturePath(session, path));
  TRY(const Expectation expected, Expectation::Read(session, "--key"));
  TRY(const std::string text, ReadTextFile(signature_path, pki::kMaxCmsBytes));
  TRY(const std::unique_ptr<InputFile> input, InputFile::Open(path));
  auto signature = VerifyWith(text, *input, expected);
  if (!signature) return std::move(signature.error()).WithContext(signature_path);
  auto proof = expected.Prove(*signature);
  if (!proof) {
    session.Advise(kOtherSigner);
    return std::move(proof.error()).WithContext(signature_path);
  }
  const bool is_proven = proof->kind != seal::SignerProof::Kind::kUnproven;
  const std::string name = IsStandardInput(path) ? "standard input" : path;
  if (format == OutputFormat::kJson) {
    codec::JsonObject report = SignerReport(*signature, *proof, expected);
    report["file"] = name;
    report["covers_bytes"] = signature->size_bytes;
    fmt::print("{}", codec::WriteJsonPretty(report));
  } else {
    const std::string sentence =
        fmt::format("{}: {}; it covers all {} bytes of the content, not the file's name", name,
                    DescribeSigner(*signature, *proof, expected), signature->size_bytes);
    fmt::print("{}\n", Printable(sentence));
  }
  if (is_proven) return ExitCode::kDone;
  session.terminal().Say(kUnproven, Colour::kRed);
  return ExitCode::kFailed;
}

}  // namespace

void AddSignCommands(std::vector<Command>& all) {
  all.push_back(
      {.noun = "sign",
       .verb = "",
       .summary = "Sign a file, with the signature in a file beside it",
       .details =
           "The signature is a detached JWS (FILE.jws), or with --cms what `openssl cms -verify "
           "-binary` reads (FILE.p7s). A P-256 key makes ES256, an RSA key PS256 (both of files of "
           "any size); an Ed25519 key makes EdDSA, for which the whole file is held in memory, at "
           "most 1 GiB.",
       .examples = {"salus sign --key ./ana report.pdf",
                    "salus sign --cms --key sign.key --certificate chain.pem report.pdf"},
       .flags = {{"--key", FlagKind::kText, "KEY",
                  "a private key (PEM, SSH, JWK) or an identity directory"},
                 {"--certificate", FlagKind::kText, "CHAIN",
                  "the key's certificate and its authorities' (PEM)"},
                 {"--cms", FlagKind::kSwitch, "", "write CMS instead of JWS"},
                 {"--pem", FlagKind::kSwitch, "", "write CMS as text"},
                 {"--output", FlagKind::kText, "OUT", "write the signature here", "-o"},
                 {"--force", FlagKind::kSwitch, "", "replace a file that is there"},
                 {"--passphrase", FlagKind::kSwitch, "", "ask for the key's passphrase", "-p"},
                 {"--passphrase-file", FlagKind::kText, "FILE", "read the passphrase from a file"}},
       .positionals = {{"FILE", "the file to sign, or - for the standard input", true}},
       .run = RunSign});
  all.push_back(
      {.noun = "verify",
       .verb = "",
       .summary = "Verify a file's signature, and say whose it is",
       .details =
           "Says in one sentence who signed, when by their own word, which root their certificate "
           "leads to, and what is covered. Without --key and --trust only the mathematics is "
           "checked: then nobody is proven to be the signer, and the exit code is 1. Exit code 3: "
           "the signature does not hold.",
       .examples = {"salus verify --trust root.pem report.pdf",
                    "salus verify --signature report.p7s --key ana.pem --json report.pdf"},
       .flags = With(
           {{"--signature", FlagKind::kText, "SIG", "the signature; else FILE.jws or FILE.p7s"},
            {"--key", FlagKind::kText, "PUB",
             "the signer's public key or certificate, or an identity directory"}},
           {TrustFlags(), OutputFlags()}),
       .positionals = {{"FILE", "the signed file, or - for the standard input", true}},
       .run = RunVerify,
       .tampered_advice = kAdvice});
}

}  // namespace salus::cli
