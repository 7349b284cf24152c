// Who signs, and whose signature is expected, as the command line names them: key files,
// certificates, and identity directories.
#pragma once

#include <optional>
#include <string>

#include "apps/salus/session.h"
#include "seal/file_signature.h"
#include "seal/known_key.h"
#include "seal/pem_key.h"
#include "seal/signer.h"
#include "seal/signer_proof.h"

namespace salus::cli {

// ReadSigner reads the private key at path: PEM, SSH, a JWK, or an identity directory, which brings
// its certificates along. A chain that is named replaces those.
//
// Errors: those of the files and of ask, with their paths; FailedPrecondition for a wrong
// passphrase.
Result<seal::Signer> ReadSigner(const std::string& path, const std::string& chain_path,
                                const seal::PassphraseSource& ask);

// KnownSigner is a public key that the verifier has, and its certificates where there are any.
struct KnownSigner {
  crypto::PublicKey key;
  std::vector<pki::Certificate> certificates = {};
};

// ReadKnown reads what seal::ParseKnownKey does: a key as text, a file ("-" is the standard input),
// or an identity directory, which stands for its certificates.
//
// Errors: those of the file; as there.
Result<seal::KnownKey> ReadKnown(const std::string& given);

// TrustFlags are --trust and --at, which a command with a known signer adds to its own.
std::vector<Flag> TrustFlags();

// Expectation is what --trust, --at and a known signer say together. ProveTo is ProveSigner with
// it.
class Expectation {
 public:
  // key_flag is where the known signer is named: "--key" or "--signer".
  // Errors: usage; those of the files.
  static Result<Expectation> Read(Session& session, const std::string& key_flag);

  const std::optional<KnownSigner>& known() const { return known_; }
  // Prove is seal::ProveSigner. Errors: as there.
  Result<seal::SignerProof> Prove(const seal::VerifiedSignature& signature) const;
  // TimeOf says at which time the path of certificates was checked.
  std::string TimeOf(const seal::VerifiedSignature& signature) const;

 private:
  std::optional<KnownSigner> known_;
  std::optional<pki::TrustStore> roots_;
  std::optional<Timestamp> time_;  // empty: the time that the signer claims
  bool is_now_ = false;
};

// DescribeSigner is the sentence's part that says who signed, when, and why that is believed.
std::string DescribeSigner(const seal::VerifiedSignature& signature, const seal::SignerProof& proof,
                           const Expectation& expected);
// SignerReport is the same as JSON.
codec::JsonObject SignerReport(const seal::VerifiedSignature& signature,
                               const seal::SignerProof& proof, const Expectation& expected);

}  // namespace salus::cli
