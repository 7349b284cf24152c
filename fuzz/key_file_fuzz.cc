// A key file that decodes encodes to something that decodes to the same key, in DER and in PEM. The
// first byte of the input chooses the format.
#include "base/check.h"
#include "crypto/pkcs8.h"
#include "crypto/secret_mint.h"

namespace {

using salus::ByteSpan;
namespace crypto = salus::crypto;

void CheckPrivate(const crypto::PrivateKey& key) {
  const salus::Bytes public_der = crypto::EncodePublicKeyDer(crypto::PublicKeyOf(key));
  const auto token = crypto::CryptoSecrets::Token();
  const auto pem = crypto::EncodePrivateKeyPem(key);
  CHECK(pem.has_value());
  const auto again = crypto::DecodePrivateKeyPem(pem->view(token));
  CHECK(again.has_value());
  const auto der = crypto::EncodePrivateKeyDer(key);
  CHECK(der.has_value());
  CHECK(salus::Equal(crypto::EncodePrivateKeyDer(*again)->view(token), der->view(token)));
  const auto public_key = crypto::DecodePublicKeyDer(public_der);
  CHECK(public_key.has_value());
  CHECK(crypto::EncodePublicKeyDer(*public_key) == public_der);
}

void CheckPublic(const crypto::PublicKey& key, ByteSpan der) {
  CHECK(salus::Equal(crypto::EncodePublicKeyDer(key), der));
  const auto again = crypto::DecodePublicKeyPem(crypto::EncodePublicKeyPem(key));
  CHECK(again.has_value());
  CHECK(salus::Equal(crypto::EncodePublicKeyDer(*again), der));
}

// The armour is added here, so that no seed in the repository looks like a key that leaked.
salus::Result<crypto::PrivateKey> ReadArmoured(std::string_view label, ByteSpan body) {
  std::string text = "-----BEGIN " + std::string(label) + "-----\n";
  text += salus::AsText(body);
  text += "\n-----END " + std::string(label) + "-----\n";
  return crypto::DecodePrivateKeyPem(salus::AsBytes(text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteSpan input = ByteSpan(data, size).subspan(1);
  switch (data[0] % 6) {
    case 0:
      if (const auto key = crypto::DecodePrivateKeyDer(input)) CheckPrivate(*key);
      break;
    case 1:
      // No passphrase: a KDF would eat the fuzzer's time, and the parsing comes before it.
      if (const auto key = crypto::DecodePrivateKeyPem(input)) CheckPrivate(*key);
      break;
    case 4:
      if (const auto key = ReadArmoured("PRIVATE KEY", input)) CheckPrivate(*key);
      break;
    case 5:
      CHECK(!ReadArmoured("ENCRYPTED PRIVATE KEY", input).has_value());
      break;
    case 2:
      if (const auto key = crypto::DecodePublicKeyDer(input)) CheckPublic(*key, input);
      break;
    default:
      if (const auto key = crypto::DecodePublicKeyPem(salus::AsText(input))) {
        CheckPublic(*key, crypto::EncodePublicKeyDer(*key));
      }
  }
  return 0;
}
