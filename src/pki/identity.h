// Identity is who a certificate speaks for: a role under one log's origin, and an opaque id.
//
// Source: design.md section 3; URN syntax RFC 8141; percent-encoding RFC 3986 section 2.
//         Worked example: docs/formats/identity.md.
// Shape:  urn:salus:<origin>:<role>:<id>. In origin everything but unreserved characters and '/' is
//         percent-encoded (so a port's colon is %3A); in id everything but unreserved. Hex is upper
//         case, and nothing is encoded that need not be: one identity has exactly one URI.
#pragma once

#include <array>
#include <compare>
#include <string>
#include <string_view>

#include "base/result.h"

namespace salus::pki {

// Role is what the holder of an identity is to Salus. Order and values are not stored anywhere;
// the names are.
enum class Role {
  kPatient,
  kClinician,
  kPharmacist,
  kFinance,
  kPartner,
  kResearcher,
  kAuditor,
  kSource,
  kOfficer,
  kRegistrar,
  kCustodian,
  kServer,
  kWitness,
};

inline constexpr std::array<Role, 13> kAllRoles = {
    Role::kPatient,    Role::kClinician, Role::kPharmacist, Role::kFinance, Role::kPartner,
    Role::kResearcher, Role::kAuditor,   Role::kSource,     Role::kOfficer, Role::kRegistrar,
    Role::kCustodian,  Role::kServer,    Role::kWitness};

// RoleName is the role's stable lower-case name, e.g. "patient".
std::string_view RoleName(Role role);

// ParseRole is the inverse of RoleName.
//
// Errors: InvalidArgument when text is not exactly one of the names.
Result<Role> ParseRole(std::string_view text);

// IsPerson says whether the role is held by a human being, whose certificate is logged as a hash
// only. Auditors, sources, servers and witnesses are organisations or machines.
bool IsPerson(Role role);

// NeedsEncryptionKey says whether something is ever sealed to the role, so that its certificate
// must carry an encryption key. Machines that only speak TLS (server, witness, source) may do
// without.
bool NeedsEncryptionKey(Role role);

inline constexpr std::size_t kMaxOriginBytes = 255;

// ValidateOrigin accepts what C2SP checkpoints take as an origin, less what people can't see.
//
// Errors: InvalidArgument unless origin is 1 to 255 bytes of valid UTF-8 without control
// characters, spaces, invisible and bidirectional marks and '+', does not begin or end with '/',
// and holds no empty path segment.
Result<void> ValidateOrigin(std::string_view origin);

struct Identity {
  std::string origin;  // as ValidateOrigin
  Role role = Role::kPatient;
  std::string id;  // as ValidateIdText (base/id.h), byte for byte as the issuer sent it

  // Errors: InvalidArgument with the part that is malformed; never echoes it.
  static Result<Identity> Create(std::string origin, Role role, std::string id);

  // Parse reads the canonical URI only: what Parse accepts, ToUri gives back byte for byte.
  //
  // Errors: InvalidArgument with the part that is malformed; never echoes it.
  static Result<Identity> Parse(std::string_view uri);

  // Errors: InvalidArgument when origin or id is not valid.
  Result<std::string> ToUri() const;

  friend bool operator==(const Identity&, const Identity&) = default;
  friend auto operator<=>(const Identity&, const Identity&) = default;
};

}  // namespace salus::pki
