#include "apps/salus/signed_seal.h"

#include "apps/salus/seal_many.h"

namespace salus::cli {

namespace {

constexpr char kNotSigned[] =
    "nothing was opened. Anybody who has your public key can have sealed it: ask the sender for a "
    "signed one, or leave --signer and --trust away.";
constexpr char kBadSignature[] =
    "the file was sealed by somebody, but nothing shows that it is the signer's, or meant for you: "
    "throw away what came out, and ask the signer for it again.";
constexpr char kOtherSigner[] =
    "the content is as it was sealed; who signed it is not shown to be who you asked for. What "
    "came out is not theirs: find out whose key it is before you take it for anybody's.";
constexpr char kManyAdvice[] =
    "each sentence above says what does not hold of its file: those files were not written. Ask "
    "their senders for them again.";

bool IsMarker(const seal::Stanza& stanza) {
  return stanza.type == seal::kArchiveMarker || stanza.type == seal::kSignedMarker;
}

}  // namespace

std::vector<Flag> SealSignFlags() {
  return {{"--sign", FlagKind::kText, "KEY",
           "sign inside the seal with this private key or identity directory; the recipients are "
           "named in what is signed, some 700 age1... or 120 of RSA at most"},
          {"--certificate", FlagKind::kText, "CHAIN", "the signing key's certificates (PEM)"},
          {"--sign-passphrase-file", FlagKind::kText, "FILE",
           "read the signing key's passphrase from a file; else it is asked for"}};
}

std::vector<Flag> OpenSignerFlags() {
  return With({{"--signer", FlagKind::kText, "CERT|KEY",
                "open it only if the holder of this certificate or public key signed it for you"}},
              {TrustFlags()});
}

Error NotSigned(Session& session, std::string_view what) {
  session.Advise(IsForMany(session) ? kManyAdvice : kNotSigned);
  return VerificationFailed(std::string(what) + ", and a signer was asked for");
}

Result<std::optional<seal::Signer>> SealSigner(Session& session) {
  const Arguments& arguments = session.arguments();
  if (!arguments.Has("--sign")) {
    for (const char* const flag : {"--certificate", "--sign-passphrase-file"}) {
      if (arguments.Has(flag)) return session.Usage(std::string(flag) + " needs --sign");
    }
    return std::optional<seal::Signer>();
  }
  const std::string path = arguments.Text("--sign");
  const auto ask = [&]() -> Result<SecretBytes> {
    if (arguments.Has("--sign-passphrase-file")) {
      return Session::PassphraseIn(arguments.Text("--sign-passphrase-file"));
    }
    session.terminal().Say("the signing key " + path + " has a passphrase");
    auto typed = session.AskForPassphrase(false);
    if (typed || typed.error().code != ErrorCode::kFailedPrecondition) return typed;
    return FailedPrecondition("there is no terminal to ask on: use --sign-passphrase-file FILE");
  };
  TRY(seal::Signer signer, ReadSigner(path, arguments.Text("--certificate"), ask));
  return std::optional<seal::Signer>(std::move(signer));
}

Result<std::unique_ptr<SignedOpening>> SignedOpening::Begin(Session& session,
                                                            const seal::AgeHeader& header,
                                                            seal::ByteSink& out) {
  TRY(Expectation expected, Expectation::Read(session, "--signer"));
  std::unique_ptr<SignedOpening> opening(new SignedOpening(std::move(expected), out));
  if (header.Has(seal::kSignedMarker)) {
    opening->reader_.emplace(out);
  } else if (session.arguments().Has("--signer") || session.arguments().Has("--trust")) {
    return NotSigned(session, "the file is not signed inside");
  }
  if (header.Has(seal::kArchiveMarker)) opening->holds_ = seal::Holds::kFolder;
  for (const seal::Stanza& stanza : header.stanzas()) {
    if (!IsMarker(stanza)) ++opening->recipient_count_;
  }
  return opening;
}

Error SignedOpening::Refusal(Session& session, Error error, const char* advice) const {
  if (error.code == ErrorCode::kVerificationFailed) {
    session.Advise(IsForMany(session) ? kManyAdvice : advice);
  }
  return error;
}

Result<void> SignedOpening::Finish(Session& session, const std::string& own_name,
                                   const std::string& label) {
  if (!reader_) return {};
  const auto signature = reader_->Finish({own_name, recipient_count_, holds_});
  if (!signature) return Refusal(session, signature.error(), kBadSignature);
  const auto proof = expected_.Prove(*signature);
  if (!proof) return Refusal(session, proof.error(), kOtherSigner);
  session.terminal().Say(label + DescribeSigner(*signature, *proof, expected_));
  if (proof->kind == seal::SignerProof::Kind::kUnproven) {
    session.terminal().Warn(
        label +
        "who signed is not proven: anybody can make a key. Compare with --signer CERT|KEY or "
        "--trust ROOTS");
  }
  return {};
}

}  // namespace salus::cli
