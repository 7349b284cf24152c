// A certificate that is accepted gives back its bytes, in DER and in PEM, and its key to whoever
// reads nothing else; and without the root's
// key, which nobody has, no bytes make a path to it.
#include <cstdint>

#include "base/bytes.h"
#include "base/check.h"
#include "pki/certificate.h"
#include "pki/path.h"
#include "pki/pinned_key.h"

using salus::pki::Certificate;
using salus::pki::Purpose;
using salus::pki::TrustStore;

namespace {

// Made with the openssl program; its private key was thrown away.
constexpr char kRoot[] = R"(-----BEGIN CERTIFICATE-----
MIIBlTCCATugAwIBAgIUcGAaKxy4vhgzyeOsDin9/Ok+GXMwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMRXhhbXBsZSByb290MCAXDTI2MTEyMDEwNTAwNFoYDzIxMjYx
MDI3MTA1MDA0WjAXMRUwEwYDVQQDDAxFeGFtcGxlIHJvb3QwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAATfuk3TWuMQ9ZVznZDMLTJ5vZ4/d1W+B+RTwD2RbNU5s5c6
ponOmkZo7oQBxPmQ+snXJ8vmxcg3YwtUTesS+hRYo2MwYTAdBgNVHQ4EFgQU/Kyf
S+FvSWE0MhxBYAQxeb2OOoMwHwYDVR0jBBgwFoAU/KyfS+FvSWE0MhxBYAQxeb2O
OoMwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwCgYIKoZIzj0EAwID
SAAwRQIhANtuac3jJnnno79GF9X7KUSS1vCAis8Gq7K3YbSBf3XaAiAUYT0mf3Ss
Ht3mEB5Q8TqSeyQjFUCwxXBEu/wrE3az5A==
-----END CERTIFICATE-----
)";

constexpr salus::Timestamp kTime = std::chrono::sys_days(std::chrono::year(2030) / 1 / 1);

const TrustStore& Trust() {
  static const TrustStore trust =
      TrustStore::Create({{Certificate::FromPem(kRoot).value()}}).value();
  return trust;
}

void CheckOne(const Certificate& certificate) {
  const auto key = certificate.p256_public_key();
  const auto pinned = salus::pki::PinnedP256Key(certificate.der());
  CHECK(key.has_value() == pinned.has_value() && (!key.has_value() || *key == *pinned));
  auto from_pem = Certificate::FromPem(certificate.ToPem());
  CHECK(from_pem.has_value() && *from_pem == certificate);
  if (auto identity = certificate.identity(); identity.has_value()) {
    CHECK(identity->ToUri().value() == certificate.uri_names().front());
  }
  (void)certificate.public_key();
  (void)certificate.encryption_key();
  // The one leaf that the root did sign is not among the seeds.
  CHECK(!ValidatePath({{certificate}}, Trust(), kTime, Purpose::kClient).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::ByteSpan input{data, size};
  (void)salus::pki::PinnedP256Key(input);
  if (auto certificate = Certificate::FromDer(input); certificate.has_value()) {
    CHECK(salus::Equal(certificate->der(), input));
    CheckOne(*certificate);
  }
  if (auto bundle = Certificate::FromPemBundle(salus::AsText(input)); bundle.has_value()) {
    for (const Certificate& certificate : *bundle) CheckOne(certificate);
  }
  return 0;
}
