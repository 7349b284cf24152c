#include "pki/forged_certificate.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "pki/openssl_handles.h"

namespace salus::pki {
namespace {

ForgeKey Own(EVP_PKEY* key) {
  CHECK(key != nullptr);
  return {key, [](EVP_PKEY* p) { EVP_PKEY_free(p); }};
}

void AddExtension(X509* x509, X509* issuer, const std::string& name, const std::string& value) {
  if (value.empty()) return;
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, x509, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_nconf(nullptr, &context, name.c_str(), value.c_str());
  CHECK(extension != nullptr);
  CHECK(X509_add_ext(x509, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

void AddRawUri(X509* x509, const std::string& uri) {
  GENERAL_NAMES* names = GENERAL_NAMES_new();
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_IA5STRING* text = ASN1_IA5STRING_new();
  CHECK(ASN1_STRING_set(text, uri.data(), static_cast<int>(uri.size())) == 1);
  GENERAL_NAME_set0_value(name, GEN_URI, text);
  sk_GENERAL_NAME_push(names, name);
  CHECK(X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1);
  GENERAL_NAMES_free(names);
}

}  // namespace

ForgeKey ForgeP256() { return Own(EVP_EC_gen("P-256")); }
ForgeKey ForgeP384() { return Own(EVP_EC_gen("P-384")); }
ForgeKey ForgeEd25519() { return Own(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")); }
ForgeKey ForgeRsa(unsigned bits) { return Own(EVP_RSA_gen(bits)); }

ForgeProfile AuthorityForgery(std::string common_name) {
  ForgeProfile profile;
  profile.common_name = std::move(common_name);
  profile.basic_constraints = "critical,CA:TRUE";
  profile.key_usage = "critical,keyCertSign,cRLSign";
  profile.extended_key_usage.clear();
  profile.subject_alternative_name.clear();
  return profile;
}

ForgeParty Forge(const ForgeProfile& profile, ForgeKey key, const ForgeParty* issuer) {
  X509Handle x509(X509_new());
  X509Handle issuer_x509;
  if (issuer != nullptr) issuer_x509 = ParseX509(issuer->certificate->der()).value();
  X509* signer = issuer != nullptr ? issuer_x509.get() : x509.get();
  CHECK(X509_set_version(x509.get(), profile.version) == 1);
  std::uint64_t serial = 0;
  CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  CHECK(ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509.get()), serial >> 1 | 1) == 1);
  NameHandle name = MakeCommonName(profile.common_name).value();
  CHECK(X509_set_subject_name(x509.get(), name.get()) == 1);
  CHECK(X509_set_issuer_name(x509.get(), X509_get_subject_name(signer)) == 1);
  CHECK(X509_set_pubkey(x509.get(), key.get()) == 1);
  CHECK(X509_set1_notBefore(x509.get(), MakeTime(profile.not_before).value().get()) == 1);
  CHECK(X509_set1_notAfter(x509.get(), MakeTime(profile.not_after).value().get()) == 1);
  if (profile.version == 2) {
    AddExtension(x509.get(), signer, "basicConstraints", profile.basic_constraints);
    AddExtension(x509.get(), signer, "keyUsage", profile.key_usage);
    AddExtension(x509.get(), signer, "extendedKeyUsage", profile.extended_key_usage);
    AddExtension(x509.get(), signer, "subjectKeyIdentifier", "hash");
    if (issuer != nullptr) AddExtension(x509.get(), signer, "authorityKeyIdentifier", "keyid");
    if (profile.raw_uri.empty()) {
      AddExtension(x509.get(), signer, "subjectAltName", profile.subject_alternative_name);
    } else {
      AddRawUri(x509.get(), profile.raw_uri);
    }
    for (const auto& [extension, value] : profile.more) {
      AddExtension(x509.get(), signer, extension, value);
    }
  }
  EVP_PKEY* signing_key = issuer != nullptr ? issuer->key.get() : key.get();
  const EVP_MD* digest = EVP_PKEY_get_base_id(signing_key) == EVP_PKEY_ED25519
                             ? nullptr
                             : EVP_get_digestbyname(profile.digest);
  CHECK(X509_sign(x509.get(), signing_key, digest) > 0);
  auto parsed = Certificate::FromDer(DerOf(x509.get()));
  return {std::move(key),
          parsed.has_value() ? std::make_shared<Certificate>(*std::move(parsed)) : nullptr};
}

}  // namespace salus::pki
