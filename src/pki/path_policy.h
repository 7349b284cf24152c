// PathPolicy is what ValidatePath asks of a path. There is one policy in production, its default;
// the fields exist so that NIST's PKITS, whose certificates know nothing of Salus, can be run
// against the same code.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pki/path.h"

namespace salus::pki {

struct PathPolicy {
  int max_authorities = 2;            // between leaf and root
  bool requires_leaf_profile = true;  // identity, purpose, key usage, no authority
  bool is_strict = true;  // OpenSSL's X509_STRICT: extensions as RFC 5280 section 4 wants

  // Inputs of RFC 5280 section 6.1.1.
  std::vector<std::string> initial_policies = {};  // object identifiers; empty is any-policy
  bool requires_explicit_policy = false;
  bool inhibits_policy_mapping = false;
  bool inhibits_any_policy = false;

  // Indirect and delta revocation lists.
  bool allows_extended_revocation = false;
};

Result<Certificate> ValidatePathUnder(const PathPolicy& policy, std::span<const Certificate> chain,
                                      const TrustStore& trust, Timestamp time, Purpose purpose,
                                      std::optional<std::string_view> origin);

}  // namespace salus::pki
