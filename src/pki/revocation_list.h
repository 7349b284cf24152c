// RevocationList is a signed list of certificates that one authority has taken back.
//
// Source: RFC 5280 section 5 (version 2, complete lists only: no delta, no indirect list).
// Shape:  DER of at most 16 MiB, or PEM "X509 CRL" (RFC 7468).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace salus::pki {

inline constexpr std::size_t kMaxRevocationListBytes = 16 * 1024 * 1024;

// RevocationReason is RFC 5280 section 5.3.1, as far as Salus gives reasons.
enum class RevocationReason {
  kUnspecified = 0,
  kKeyCompromise = 1,
  kAuthorityCompromise = 2,
  kAffiliationChanged = 3,
  kSuperseded = 4,
  kCessationOfOperation = 5,
};

struct RevokedCertificate {
  Bytes serial_number;  // as Certificate::serial_number
  Timestamp revoked_at;
  RevocationReason reason = RevocationReason::kUnspecified;
};

// RevocationProfile is the whole content of the next list.
struct RevocationProfile {
  std::uint64_t number = 0;  // grows with each list of one authority
  Timestamp this_update{};
  Timestamp next_update{};
  std::vector<RevokedCertificate> revoked = {};
};

class RevocationList {
 public:
  // FromDer does not verify: ValidatePath does, with the issuer's certificate.
  //
  // Errors: InvalidArgument when the bytes are not exactly one list.
  static Result<RevocationList> FromDer(ByteSpan der);
  static Result<RevocationList> FromPem(std::string_view pem);

  ByteSpan der() const { return der_; }
  std::string ToPem() const;

  Timestamp this_update() const { return this_update_; }
  // next_update is this_update when the list does not say.
  Timestamp next_update() const { return next_update_; }
  std::size_t revoked_count() const { return revoked_count_; }

 private:
  RevocationList() = default;

  Bytes der_;
  Timestamp this_update_;
  Timestamp next_update_;
  std::size_t revoked_count_ = 0;
};

}  // namespace salus::pki
