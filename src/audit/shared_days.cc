#include "audit/shared_days.h"

#include "audit/secret_access.h"
#include "codec/cbor.h"
#include "jose/jwe.h"

namespace salus::audit {

namespace {

constexpr std::string_view kLabel = "salus/shared";

Error NotShared() { return VerificationFailed("these are no shared days for this auditor"); }

Result<std::vector<SharedGrant>> ReadGrants(ByteSpan plaintext) {
  codec::CborReader reader(plaintext);
  TRY_VOID(reader.ArrayOf(2));
  TRY(const std::string_view label, reader.Text());
  if (label != kLabel) return NotShared();
  TRY(const std::size_t count, reader.Array());
  if (count > kMaxSharedGrants) return NotShared();
  std::vector<SharedGrant> grants;
  for (std::size_t i = 0; i < count; ++i) {
    TRY(const ByteSpan one, reader.ByteString());
    grants.push_back(SharedGrant::Of(one));
  }
  TRY_VOID(reader.Finish());
  return grants;
}

}  // namespace

Result<std::string> SealSharedGrants(std::span<const GrantPlaintext* const> grants,
                                     const crypto::P256PublicKey& auditor_key,
                                     RandomSource& random) {
  if (grants.size() > kMaxSharedGrants) return InvalidArgument("too many days for one message");
  Bytes plaintext;
  codec::CborWriter writer(plaintext);
  writer.Array(2);
  writer.Text(kLabel);
  writer.Array(grants.size());
  for (const GrantPlaintext* grant : grants) {
    if (grant->type != GrantType::kEpochKey) {
      return InvalidArgument("only the keys of a patient's own days can be shared");
    }
    const SecretBytes one = EncodeGrantPlaintext(*grant);
    writer.ByteString(one.view(AuditSecrets::Token()));
  }
  Result<std::string> sealed =
      jose::EncryptCompact(plaintext, auditor_key, jose::KeyManagement::kEcdhEsA256Kw,
                           jose::ContentEncryption::kA256Gcm, random);
  WipeMemory(plaintext.data(), plaintext.size());
  return sealed;
}

Result<std::vector<SharedGrant>> OpenSharedGrants(std::string_view sealed,
                                                  const crypto::P256PrivateKey& auditor_key) {
  const jose::JweRules rules{.algorithms = {jose::KeyManagement::kEcdhEsA256Kw},
                             .encryptions = {jose::ContentEncryption::kA256Gcm}};
  const auto opened = jose::DecryptCompactSecret(sealed, auditor_key, rules);
  if (!opened) return NotShared();
  Result<std::vector<SharedGrant>> grants =
      ReadGrants(opened->plaintext.view(AuditSecrets::Token()));
  if (!grants) return NotShared();
  return grants;
}

}  // namespace salus::audit
