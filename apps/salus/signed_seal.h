// Signing inside the seal at the command line: --sign of seal, --signer and --trust of open.
#pragma once

#include <memory>
#include <optional>

#include "apps/salus/signer_files.h"
#include "seal/age_file.h"
#include "seal/signed_content.h"

namespace salus::cli {

std::vector<Flag> SealSignFlags();
std::vector<Flag> OpenSignerFlags();

// NotSigned is the error of a file without a signature where one was asked for.
Error NotSigned(Session& session, std::string_view what);

// SealSigner reads --sign, --certificate and --sign-passphrase-file; nullopt where nobody signs.
Result<std::optional<seal::Signer>> SealSigner(Session& session);

// SignedOpening stands between an opened file and its output. Where the file is signed, the
// signature is taken off and verified; where --signer or --trust want one, it must be there.
class SignedOpening {
 public:
  // Errors: usage; those of the files; VerificationFailed when a signature is wanted and the file
  // has none.
  static Result<std::unique_ptr<SignedOpening>> Begin(Session& session,
                                                      const seal::AgeHeader& header,
                                                      seal::ByteSink& out);
  // sink is where the opened payload goes.
  seal::ByteSink& sink() { return reader_ ? static_cast<seal::ByteSink&>(*reader_) : out_; }

  // Finish says on the terminal, behind label, who signed; before the output is committed. own_name
  // is that of the identity that opened the file.
  //
  // Errors: VerificationFailed.
  Result<void> Finish(Session& session, const std::string& own_name, const std::string& label);

 private:
  SignedOpening(Expectation expected, seal::ByteSink& out)
      : expected_(std::move(expected)), out_(out) {}
  Error Refusal(Session& session, Error error, const char* advice) const;

  const Expectation expected_;
  seal::ByteSink& out_;
  std::optional<seal::SignedContentReader> reader_;
  seal::Holds holds_ = seal::Holds::kFile;
  std::size_t recipient_count_ = 0;
};

}  // namespace salus::cli
