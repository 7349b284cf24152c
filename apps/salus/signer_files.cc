#include "apps/salus/signer_files.h"

#include <fmt/format.h>

#include <filesystem>

#include "apps/salus/secret_access.h"
#include "codec/hex.h"
#include "codec/rfc3339.h"
#include "jose/jwk.h"
#include "pki/identity_directory.h"
#include "pki/key_file.h"
#include "seal/recipient_text.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxPublicFile = std::size_t{1} << 20;

Result<crypto::PrivateKey> DecodeSigningKey(const SecretBytes& file,
                                            const seal::PassphraseSource& ask) {
  const ByteSpan bytes = file.view(CliSecrets::Token());
  if (AsText(bytes).starts_with("{")) {
    TRY(const jose::Jwk jwk, jose::Jwk::Parse(AsText(bytes)));
    return seal::SigningKeyOf(jwk);
  }
  auto key = seal::DecodePemKey(bytes, ask);
  // A wrong passphrase is nobody's forgery.
  if (!key && key.error().code == ErrorCode::kVerificationFailed) {
    return FailedPrecondition("the passphrase is wrong");
  }
  return key;
}

Result<std::vector<pki::Certificate>> ReadCertificates(const std::string& path) {
  TRY(const std::string text, ReadTextFile(path, kMaxPublicFile));
  auto chain = pki::Certificate::FromPemBundle(text);
  if (!chain) return std::move(chain.error()).WithContext(path);
  return chain;
}

Result<KnownSigner> ReadKnownSigner(const std::string& given) {
  TRY(seal::KnownKey known, ReadKnown(given));
  if (std::holds_alternative<crypto::X25519PublicKey>(known.key.material())) {
    return InvalidArgument(given + ": is an encryption key (X25519), with which nobody signs");
  }
  auto key = seal::VerifyingKeyOf(known.key);
  if (!key) return std::move(key.error()).WithContext(given);
  return KnownSigner{*std::move(key), std::move(known.certificates)};
}

std::string NameOf(const pki::Certificate& certificate) {
  return certificate.subject().empty() ? "a certificate without a name" : certificate.subject();
}

}  // namespace

Result<seal::Signer> ReadSigner(const std::string& path, const std::string& chain_path,
                                const seal::PassphraseSource& ask) {
  std::vector<pki::Certificate> chain;
  std::string key_path = path;
  if (std::filesystem::is_directory(path)) {
    key_path = std::filesystem::path(path) / "sign.key";
    const std::string own_chain = std::filesystem::path(path) / "chain.pem";
    if (chain_path.empty() && std::filesystem::exists(own_chain)) {
      TRY(chain, ReadCertificates(own_chain));
    }
  }
  if (!chain_path.empty()) {
    TRY(chain, ReadCertificates(chain_path));
  }
  auto file = pki::ReadKeyFile(key_path);
  if (!file) return std::move(file.error()).WithContext(key_path);
  auto key = DecodeSigningKey(*file, ask);
  if (!key) return std::move(key.error()).WithContext(key_path);
  return seal::Signer{.key = *std::move(key), .chain = std::move(chain)};
}

Result<seal::KnownKey> ReadKnown(const std::string& given) {
  if (seal::IsRecipientText(given)) return seal::ParseKnownKey(given);
  std::string path = given == "-" ? "/dev/stdin" : given;
  if (std::filesystem::is_directory(path)) {
    path = std::filesystem::path(path) / "chain.pem";
    if (!std::filesystem::exists(path)) {
      return NotFound(given +
                      ": the directory has no certificate (chain.pem): an identity gets it by "
                      "salus identity certify");
    }
  }
  TRY(const std::string text, ReadTextFile(path, kMaxPublicFile));
  auto known = seal::ParseKnownKey(text);
  if (!known) return std::move(known.error()).WithContext(given);
  return known;
}

std::vector<Flag> TrustFlags() {
  return {{"--trust", FlagKind::kText, "ROOTS",
           "certificates of the authorities whose signers are believed (PEM)"},
          {"--at", FlagKind::kText, "TIME",
           "check the certificates as of TIME (RFC 3339) instead of now, or 'claimed': as of the "
           "time that the signer claims"}};
}

Result<Expectation> Expectation::Read(Session& session, const std::string& key_flag) {
  Expectation out;
  if (session.arguments().Has(key_flag)) {
    TRY(out.known_, ReadKnownSigner(session.arguments().Text(key_flag)));
  }
  if (session.arguments().Has("--trust")) {
    const std::string path = session.arguments().Text("--trust");
    TRY(const std::vector<pki::Certificate> roots, ReadCertificates(path));
    auto store = pki::TrustStore::Create(roots);
    if (!store) return std::move(store.error()).WithContext(path);
    out.roots_ = *std::move(store);
  }
  const std::string at = session.arguments().Text("--at");
  if (!at.empty() && !out.roots_) return session.Usage("--at needs --trust");
  if (at.empty() || at == "now") {
    out.time_ = session.clock().Now();
    out.is_now_ = true;
  } else if (at != "claimed") {
    auto time = codec::ParseRfc3339(at);
    if (!time) return session.Usage("--at: " + time.error().message);
    out.time_ = *time;
  }
  return out;
}

Result<seal::SignerProof> Expectation::Prove(const seal::VerifiedSignature& signature) const {
  if (!time_ && !signature.claimed_time) {
    return VerificationFailed("the signer claims no time: leave --at away, or give a time");
  }
  seal::SignerTrust trust{.roots = roots_ ? &*roots_ : nullptr,
                          .time = time_ ? *time_ : *signature.claimed_time};
  if (known_) trust.key = known_->key;
  return seal::ProveSigner(signature, trust);
}

std::string Expectation::TimeOf(const seal::VerifiedSignature& signature) const {
  const std::string time =
      codec::FormatRfc3339(time_ ? *time_ : signature.claimed_time.value_or(Timestamp()));
  return is_now_ ? "now (" + time + ")" : time_ ? time : time + ", the time that the signer claims";
}

std::string DescribeSigner(const seal::VerifiedSignature& signature, const seal::SignerProof& proof,
                           const Expectation& expected) {
  using Kind = seal::SignerProof::Kind;
  std::string out = "signed ";
  if (proof.kind == Kind::kPath) {
    const pki::Certificate& leaf = proof.path.front();
    out += "by " + NameOf(leaf);
    if (const auto identity = leaf.identity()) out += " (" + leaf.uri_names().front() + ")";
    out += ", certificate SHA-256 " + codec::HexEncode(leaf.fingerprint());
  } else {
    out += "with the key SHA-256 " + seal::KeyFingerprint(signature.key);
  }
  out += ", " + signature.algorithm;
  out += signature.claimed_time
             ? ", at " + codec::FormatRfc3339(*signature.claimed_time) + " by the signer's own word"
             : std::string(", at a time that the signer does not tell");
  if (proof.kind == Kind::kPath) {
    const pki::Certificate& root = proof.path.back();
    out += "; its path leads to the root " + NameOf(root) + ", SHA-256 " +
           codec::HexEncode(root.fingerprint()) + ", as of " + expected.TimeOf(signature);
  } else if (proof.kind == Kind::kKey) {
    out += "; it is the key that you gave";
  }
  return out;
}

codec::JsonObject SignerReport(const seal::VerifiedSignature& signature,
                               const seal::SignerProof& proof, const Expectation& expected) {
  using Kind = seal::SignerProof::Kind;
  codec::JsonObject out;
  out["proven"] = proof.kind == Kind::kPath ? "path" : proof.kind == Kind::kKey ? "key" : "nothing";
  out["algorithm"] = signature.algorithm;
  out["key_sha256"] = seal::KeyFingerprint(signature.key);
  if (signature.claimed_time) {
    out["claimed_time"] = codec::FormatRfc3339(*signature.claimed_time);
  }
  if (proof.kind != Kind::kPath) return out;
  if (const auto identity = proof.path.front().identity()) {
    out["identity"] = proof.path.front().uri_names().front();
  }
  codec::JsonArray path;
  for (const pki::Certificate& certificate : proof.path) {
    path.push_back(codec::JsonObject{{"subject", certificate.subject()},
                                     {"sha256", codec::HexEncode(certificate.fingerprint())},
                                     {"until", codec::FormatRfc3339(certificate.not_after())}});
  }
  out["path"] = std::move(path);
  out["path_as_of"] = expected.TimeOf(signature);
  return out;
}

}  // namespace salus::cli
