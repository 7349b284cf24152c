// What a patient seals to an auditor as shared days: it opens only if it is exactly what would be
// written for the grants that come out. The input is the plaintext; the sealing is done here.
#include <cstdint>

#include "audit/secret_access.h"
#include "audit/shared_days.h"
#include "base/check.h"
#include "base/random.h"
#include "codec/cbor.h"
#include "jose/jwe.h"

namespace salus::audit {
namespace {

const crypto::P256PrivateKey& AuditorKey() {
  static const crypto::P256PrivateKey key =
      crypto::P256PrivateKey::FromScalar(Bytes(32, 7)).value();
  return key;
}

void CheckOne(ByteSpan plaintext) {
  // As a message alone it is no JWE.
  CHECK(!OpenSharedGrants(AsText(plaintext), AuditorKey()));
  SeededRandom random(1);
  const std::string sealed =
      jose::EncryptCompact(plaintext, AuditorKey().public_key(), jose::KeyManagement::kEcdhEsA256Kw,
                           jose::ContentEncryption::kA256Gcm, random)
          .value();
  const Result<std::vector<SharedGrant>> grants = OpenSharedGrants(sealed, AuditorKey());
  if (!grants) {
    CHECK(grants.error().code == ErrorCode::kVerificationFailed);
    return;
  }
  CHECK(grants->size() <= kMaxSharedGrants);
  Bytes again;
  codec::CborWriter writer(again);
  writer.Array(2);
  writer.Text("salus/shared");
  writer.Array(grants->size());
  for (const SharedGrant& grant : *grants) {
    const ByteSpan one = grant.plaintext.view(AuditSecrets::Token());
    CHECK(grant.commit == crypto::Sha256({AsBytes("salus/grant"), one}));
    writer.ByteString(one);
  }
  CHECK(Equal(again, plaintext));
}

}  // namespace
}  // namespace salus::audit

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::audit::CheckOne({data, size});
  return 0;
}
