#include "audit/custody.h"

#include <algorithm>

#include "audit/sealed_form.h"
#include "audit/secret_access.h"
#include "codec/cbor.h"
#include "crypto/shamir.h"
#include "jose/jwe.h"

namespace salus::audit {

namespace {

// Plaintext: CBOR ["salus/custody", patient system, patient id, x, threshold, y].
SecretBytes EncodeShare(const Subject& patient, const crypto::SecretShare& share,
                        std::size_t threshold) {
  Bytes out;
  codec::CborWriter writer(out);
  writer.Array(6);
  writer.Text("salus/custody");
  writer.Text(patient.system);
  writer.Text(patient.id);
  writer.Uint(share.x);
  writer.Uint(threshold);
  writer.ByteString(share.y.view(AuditSecrets::Token()));
  SecretBytes secret(out);
  WipeMemory(out.data(), out.size());
  return secret;
}

Error BadShare() { return VerificationFailed("the custody share is not of this patient"); }

Result<crypto::SecretShare> ReadShare(const Subject& patient, ByteSpan plaintext) {
  codec::CborReader reader(plaintext);
  TRY_VOID(reader.ArrayOf(6));
  TRY(const std::string_view label, reader.Text());
  TRY(const std::string_view system, reader.Text());
  TRY(const std::string_view id, reader.Text());
  TRY(const std::uint64_t x, reader.Uint());
  TRY_VOID(reader.Uint());
  TRY(const ByteSpan y, reader.ByteString());
  TRY_VOID(reader.Finish());
  if (label != "salus/custody" || system != patient.system || id != patient.id || x == 0 ||
      x > 255 || y.size() != 32) {
    return BadShare();
  }
  return crypto::SecretShare{static_cast<std::uint8_t>(x), SecretBytes(y)};
}

Result<std::string> SealShare(ByteSpan plaintext, const crypto::P256PublicKey& key,
                              RandomSource& random) {
  return jose::EncryptCompact(plaintext, key, jose::KeyManagement::kEcdhEsA256Kw,
                              jose::ContentEncryption::kA256Gcm, random);
}

Result<SecretBytes> OpenShare(std::string_view sealed, const crypto::P256PrivateKey& key) {
  const jose::JweRules rules{.algorithms = {jose::KeyManagement::kEcdhEsA256Kw},
                             .encryptions = {jose::ContentEncryption::kA256Gcm}};
  TRY(jose::DecryptedSecretJwe opened, jose::DecryptCompactSecret(sealed, key, rules));
  return std::move(opened.plaintext);
}

}  // namespace

Result<Custody> MakeCustody(const Subject& patient, std::span<const CustodianRow> custodians,
                            std::size_t threshold, RandomSource& random) {
  if (custodians.size() < 2 || threshold < 2) {
    return FailedPrecondition(
        "a patient without a key needs two custodians at least: `salus init` makes two");
  }
  const crypto::P256PrivateKey key = crypto::P256PrivateKey::Generate();
  const SecretArray<32> scalar = key.scalar();
  const SecretBytes secret(ByteSpan(scalar.view(AuditSecrets::Token())));
  TRY(const std::vector<crypto::SecretShare> shares,
      crypto::SplitSecret(secret, threshold, custodians.size(), random));
  Custody custody{key.public_key(), {}};
  for (std::size_t i = 0; i < custodians.size(); ++i) {
    CustodyShareRow row;
    row.patient = patient;
    row.custodian_id = custodians[i].id;
    row.share_number = shares[i].x;
    row.threshold = static_cast<std::uint8_t>(threshold);
    const SecretBytes plaintext = EncodeShare(patient, shares[i], threshold);
    TRY(row.sealed_share,
        SealShare(plaintext.view(AuditSecrets::Token()), custodians[i].key, random));
    custody.shares.push_back(std::move(row));
  }
  return custody;
}

Result<std::string> ReleaseShare(const CustodyShareRow& share,
                                 const crypto::P256PrivateKey& custodian_key,
                                 const crypto::P256PublicKey& patient_key, RandomSource& random) {
  TRY(const SecretBytes plaintext, OpenShare(share.sealed_share, custodian_key));
  const ByteSpan raw = plaintext.view(AuditSecrets::Token());
  if (!ReadShare(share.patient, raw)) return BadShare();
  return SealShare(raw, patient_key, random);
}

Result<void> CheckReleasedShare(std::string_view released_share) {
  constexpr std::size_t kMaxShareBytes = 4096;
  return CheckSealedForm("share", released_share, kMaxShareBytes);
}

Result<crypto::P256PrivateKey> JoinCustody(const Subject& patient,
                                           std::span<const CustodyShareRow> shares,
                                           std::size_t threshold,
                                           const crypto::P256PrivateKey& patient_key,
                                           const crypto::P256PublicKey& custody_public_key) {
  std::vector<crypto::SecretShare> opened;
  std::string useless;
  for (const CustodyShareRow& row : shares) {
    if (row.released_share.empty() || opened.size() == threshold) continue;
    Result<SecretBytes> plaintext = OpenShare(row.released_share, patient_key);
    Result<crypto::SecretShare> share =
        plaintext ? ReadShare(patient, plaintext->view(AuditSecrets::Token()))
                  : Result<crypto::SecretShare>(plaintext.error());
    if (share) {
      opened.push_back(*std::move(share));
    } else {
      useless += (useless.empty() ? "" : ", ") + row.custodian_id;
    }
  }
  if (opened.size() < threshold) {
    return FailedPrecondition(
        useless.empty() ? "not enough custodians have released their share yet"
                        : "what these custodians released is no share for this key: " + useless +
                              ": other custodians must release theirs");
  }
  TRY(const SecretBytes scalar, crypto::JoinSecret(opened));
  Result<crypto::P256PrivateKey> key =
      crypto::P256PrivateKey::FromScalar(scalar.view(AuditSecrets::Token()));
  if (!key || !(key->public_key() == custody_public_key)) {
    return VerificationFailed("the custody shares do not join to the key in custody");
  }
  return key;
}

}  // namespace salus::audit
