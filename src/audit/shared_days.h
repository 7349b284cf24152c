// Shared days: a mandate works forward only; a patient opens past days to an auditor by handing
// over what the grants of those days hold, sealed to the auditor.
//
// Source: protocol.md P3; docs/formats/grant.md. Each grant still commits to what is handed over,
// so
//         that the patient can't make up a key, nor the auditor be given another day's.
// Shape:  compact JWE (ECDH-ES+A256KW, A256GCM) over CBOR ["salus/shared", [P, ...]], P being the
//         plaintexts of grants (protocol.md P3.1). At most kMaxSharedGrants a message, so that the
//         entry that carries it stays small.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/grant.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/p256.h"

namespace salus::audit {

// So many fit into one entry, whoever their readers are.
inline constexpr std::size_t kMaxSharedGrants = 32;
inline constexpr std::size_t kMaxSharedBytes = 60u << 10;

// Errors: InvalidArgument for more than kMaxSharedGrants, or one that is no epoch key's.
Result<std::string> SealSharedGrants(std::span<const GrantPlaintext* const> grants,
                                     const crypto::P256PublicKey& auditor_key,
                                     RandomSource& random);

// OpenSharedGrants returns the plaintexts; each counts only once a grant commits to it.
// Errors: VerificationFailed when it is not for this key, or holds something else.
Result<std::vector<SharedGrant>> OpenSharedGrants(std::string_view sealed,
                                                  const crypto::P256PrivateKey& auditor_key);

}  // namespace salus::audit
