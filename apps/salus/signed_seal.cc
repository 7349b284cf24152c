#include "apps/salus/signed_seal.h"

namespace salus::cli {

namespace {

bool IsMarker(const seal::Stanza& stanza) {
  return stanza.type == seal::kArchiveMarker || stanza.type == seal::kSignedMarker;
}

}  // namespace

std::vector<Flag> SealSignFlags() {
  return {{"--sign", FlagKind::kText, "KEY",
           "sign inside the seal with this private key or identity directory; the recipients are "
           "named in what is signed"},
          {"--certificate", FlagKind::kText, "CHAIN", "the signing key's certificates (PEM)"}};
}

std::vector<Flag> OpenSignerFlags() {
  return With({{"--signer", FlagKind::kText, "CERT|KEY",
                "open it only if the holder of this certificate or public key signed it for you"}},
              {TrustFlags()});
}

Result<std::optional<seal::Signer>> SealSigner(Session& session) {
  const Arguments& arguments = session.arguments();
  if (!arguments.Has("--sign")) {
    if (arguments.Has("--certificate")) return session.Usage("--certificate needs --sign");
    return std::optional<seal::Signer>();
  }
  TRY(seal::Signer signer,
      ReadSigner(session, arguments.Text("--sign"), arguments.Text("--certificate")));
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
    return VerificationFailed("the file is not signed inside, and a signer was asked for");
  }
  for (const seal::Stanza& stanza : header.stanzas()) {
    if (!IsMarker(stanza)) ++opening->recipient_count_;
  }
  return opening;
}

Result<void> SignedOpening::Finish(Session& session, const std::string& own_name) {
  if (!reader_) return {};
  TRY(const seal::VerifiedSignature signature, reader_->Finish({own_name, recipient_count_}));
  TRY(const seal::SignerProof proof, expected_.Prove(signature));
  session.terminal().Say(DescribeSigner(signature, proof, expected_));
  if (proof.kind == seal::SignerProof::Kind::kUnproven) {
    session.terminal().Warn(
        "who signed is not proven: anybody can make a key. Compare with --signer CERT|KEY or "
        "--trust ROOTS");
  }
  return {};
}

}  // namespace salus::cli
