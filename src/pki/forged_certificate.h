// Forge makes the certificates that no honest authority makes; test code only. It is written with
// OpenSSL directly, so that tests do not depend on the code they test.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "pki/certificate.h"

struct evp_pkey_st;

namespace salus::pki {

using ForgeKey = std::shared_ptr<evp_pkey_st>;
ForgeKey ForgeP256();
ForgeKey ForgeP384();
ForgeKey ForgeEd25519();
ForgeKey ForgeRsa(unsigned bits);

inline const Timestamp kForgeNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 20);

struct ForgeParty {
  ForgeKey key;
  std::shared_ptr<Certificate> certificate;
};

struct ForgeProfile {
  std::string common_name = "holder";
  // Extension name and value as in OpenSSL's configuration, in order; empty values are left out.
  std::string basic_constraints = "critical,CA:FALSE";
  std::string key_usage = "critical,digitalSignature";
  std::string extended_key_usage = "clientAuth";
  std::string subject_alternative_name = "URI:urn:salus:host/org/2026:patient:p-1";
  std::vector<std::pair<std::string, std::string>> more = {};
  std::string raw_uri = {};  // replaces the subject alternative name, byte for byte
  Timestamp not_before = kForgeNow - std::chrono::days(1);
  Timestamp not_after = kForgeNow + std::chrono::days(1);
  const char* digest = "SHA256";
  int version = 2;  // as encoded: 2 is version 3
};

// AuthorityForgery is the profile of an honest authority.
ForgeProfile AuthorityForgery(std::string common_name);

// Without an issuer the certificate signs itself.
ForgeParty Forge(const ForgeProfile& profile, ForgeKey key, const ForgeParty* issuer);

}  // namespace salus::pki
