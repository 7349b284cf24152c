// Caller is who a connection's certificate speaks for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "crypto/p256.h"
#include "crypto/sha256.h"
#include "http/exchange.h"
#include "pki/certificate.h"
#include "pki/identity.h"

namespace salus::api {

// Caller holds the identity of a verified certificate, if it is one of this log's.
//
// Source: design.md section 3: the URI of the subject alternative name; a common name never counts.
struct Caller {
  // nullopt: no certificate, or a certificate that is not an identity under our origin.
  std::optional<pki::Identity> identity;
  crypto::Hash32 fingerprint{};  // of the certificate
  std::optional<crypto::P256PublicKey> encryption_key = {};
};

// IdentifyCaller reads the identity out of a certificate that TLS has verified. A stranger is no
// error here: every route answers it 403 in the same words.
Caller IdentifyCaller(const http::PeerCertificate& peer, std::string_view origin);
Caller IdentifyCaller(const pki::Certificate& certificate, std::string_view origin);

// Roles is a set of roles.
class Roles {
 public:
  constexpr Roles() = default;
  constexpr Roles(pki::Role role) : bits_(Bit(role)) {}  // NOLINT(google-explicit-constructor)
  static constexpr Roles All() {
    Roles all;
    for (const pki::Role role : pki::kAllRoles) all.bits_ |= Bit(role);
    return all;
  }
  constexpr Roles operator|(Roles other) const {
    Roles both = *this;
    both.bits_ |= other.bits_;
    return both;
  }
  constexpr bool Has(pki::Role role) const { return (bits_ & Bit(role)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }

 private:
  static constexpr std::uint32_t Bit(pki::Role role) {
    return std::uint32_t{1} << static_cast<unsigned>(role);
  }
  std::uint32_t bits_ = 0;
};

}  // namespace salus::api
