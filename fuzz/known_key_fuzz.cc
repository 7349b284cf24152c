// Whatever is read as somebody's key has one canonical encoding, which is a key itself; and whoever
// seals to what stands there seals to that key.
#include <variant>

#include "base/check.h"
#include "crypto/pkcs8.h"
#include "seal/known_key.h"
#include "seal/recipient_key.h"

namespace {

salus::Bytes Canonical(std::string_view content) {
  const auto known = salus::seal::ParseKnownKey(content);
  CHECK(known.has_value());
  const auto encoded = salus::seal::CanonicalKey(*known);
  CHECK(encoded.has_value());
  return *encoded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto known = salus::seal::ParseKnownKey(salus::AsText({data, size}));
  if (!known) return 0;
  CHECK(!known->key.is_private() && !known->key.is_symmetric());
  const auto encoded = salus::seal::CanonicalKey(*known);
  if (!encoded || !known->certificates.empty()) return 0;
  if (!std::holds_alternative<salus::crypto::X25519PublicKey>(known->key.material())) {
    const auto key = salus::crypto::DecodePublicKeyDer(*encoded);
    CHECK(key.has_value());
    CHECK(Canonical(salus::crypto::EncodePublicKeyPem(*key)) == *encoded);
  }
  const auto recipient = salus::seal::RecipientOf(known->key);
  if (recipient) CHECK(Canonical((*recipient)->Name()) == *encoded);
  return 0;
}
