#include "apps/salus/holder_key.h"

#include "codec/hex.h"
#include "crypto/sha256.h"
#include "jose/jwk.h"
#include "pki/path.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;

Result<HolderKey> FromCertificate(Session& session, Backend& place, const std::string& path,
                                  pki::Role role, const std::string& id) {
  TRY(const std::string pem, ReadTextFile(path, kMaxFileBytes));
  TRY(const std::vector<pki::Certificate> chain, pki::Certificate::FromPemBundle(pem));
  TRY(const pki::Certificate root, pki::Certificate::FromPem(place.RootCertificatePem()));
  TRY(const pki::TrustStore trust, pki::TrustStore::Create({&root, 1}));
  TRY(const pki::Certificate leaf, pki::ValidatePath(chain, trust, session.clock().Now(),
                                                     pki::Purpose::kClient, place.Pinned().origin));
  TRY(const pki::Identity identity, leaf.identity());
  if (identity.role != role || identity.id != id) {
    return InvalidArgument("is a certificate of another role or id: it must be of " +
                           std::string(pki::RoleName(role)) + " " + id);
  }
  HolderKey holder;
  TRY(holder.key, leaf.encryption_key());
  if (!holder.key) return InvalidArgument("the certificate has no encryption key");
  holder.certificate_fingerprint = codec::HexEncode(leaf.fingerprint());
  holder.certificate_pem = pem;
  return holder;
}

Result<HolderKey> FromJwk(const std::string& path) {
  TRY(const std::string text, ReadTextFile(path, kMaxFileBytes));
  TRY(const jose::Jwk jwk, jose::Jwk::Parse(text));
  const auto* key = std::get_if<crypto::P256PublicKey>(&jwk.material());
  if (key == nullptr) return InvalidArgument("must be a public P-256 key (JWK, without \"d\")");
  return HolderKey{*key, ""};
}

}  // namespace

Result<HolderKey> ReadHolderKey(Session& session, Backend& place, const std::string& certificate,
                                const std::string& key, pki::Role role, const std::string& id) {
  if (!certificate.empty() && !key.empty()) {
    return session.Usage("give a certificate or a key, not both");
  }
  if (certificate.empty() && key.empty()) return HolderKey();
  const std::string& path = certificate.empty() ? key : certificate;
  Result<HolderKey> holder =
      certificate.empty() ? FromJwk(path) : FromCertificate(session, place, path, role, id);
  if (!holder) return std::move(holder.error()).WithContext(path);
  return holder;
}

std::string KeyPrint(const crypto::P256PublicKey& key) {
  return codec::HexEncode(crypto::Sha256(key.sec1()));
}

}  // namespace salus::cli
