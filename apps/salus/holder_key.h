#pragma once

#include <optional>
#include <string>

#include "apps/salus/session.h"

namespace salus::cli {

// HolderKey is the public encryption key of somebody who is registered, from a certificate or a
// JWK.
struct HolderKey {
  std::optional<crypto::P256PublicKey> key;
  std::string certificate_fingerprint;  // hex; empty for a JWK
  std::string certificate_pem = {};     // with its chain; empty for a JWK
};

// ReadHolderKey reads the file that is named; both empty: no key. A certificate must lead to the
// place's root, and be that of this role and id.
//
// Errors: InvalidArgument for what is no certificate or P-256 JWK; VerificationFailed for one that
//         somebody else issued, or that names somebody else.
Result<HolderKey> ReadHolderKey(Session& session, Backend& place, const std::string& certificate,
                                const std::string& key, pki::Role role, const std::string& id);

// KeyPrint is what people compare of a key: SHA-256 of its SEC 1 form, in hex.
std::string KeyPrint(const crypto::P256PublicKey& key);

}  // namespace salus::cli
