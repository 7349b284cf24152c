// A JWS beside a file: without the private key, which nobody has, none verifies with the key that
// is expected; one that brings its own key along verifies over its content only, and says that key.
#include <cstdint>

#include "base/check.h"
#include "codec/json.h"
#include "seal/file_signature.h"
#include "seal/flattened_jws.h"

namespace {

// Made with the openssl program; its private key was thrown away.
constexpr char kKey[] = R"(-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEDWICObxBXdNdWV7PByKlsEg0ZcRS
ZXXWjsMOFZXBez7nSUtcFO8DdQdpVeV7f0zKac53yUN4bRm7RCKNDZd26g==
-----END PUBLIC KEY-----
)";

const salus::crypto::PublicKey& Key() {
  static const salus::crypto::PublicKey key = salus::crypto::DecodePublicKeyPem(kKey).value();
  return key;
}

salus::Result<salus::seal::VerifiedSignature> Verify(
    std::string_view jws, std::string_view content,
    const std::optional<salus::crypto::PublicKey>& key) {
  salus::seal::MemorySource source(salus::AsBytes(content));
  return salus::seal::VerifyFileJws(jws, source, key);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = salus::AsText({data, size});
  CHECK(!Verify(text, "content", Key()).has_value());
  if (const auto verified = Verify(text, "content", {})) {
    CHECK(verified->size_bytes == 7);
    CHECK(Verify(text, "content", verified->key).has_value());
    CHECK(!Verify(text, "Content", {}).has_value());
  }
  if (const auto token = salus::seal::UnflattenJws(text, salus::seal::JwsPayload::kInside)) {
    // What is read is what is written, when it is a token: three parts.
    const auto again = salus::seal::UnflattenJws(salus::seal::FlattenJws(*token),
                                                 salus::seal::JwsPayload::kInside);
    CHECK(!again.has_value() || *again == *token);
  }
  return 0;
}
