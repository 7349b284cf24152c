// The protected header of a JWS as it is made and checked, whatever carries the payload. Not a
// public header.
#pragma once

#include <string_view>

#include "base/result.h"
#include "codec/json.h"
#include "jose/algorithm.h"
#include "jose/jws.h"

namespace salus::jose {

// MakeJwsHeader puts alg, and for raw payloads b64 and crit, beside the members of more.
// Errors: InvalidArgument when more holds one of those.
Result<codec::JsonObject> MakeJwsHeader(SignatureAlgorithm algorithm, const codec::JsonObject& more,
                                        PayloadForm form);

// CheckedHeader is a header whose alg and crit the caller accepts.
struct CheckedHeader {
  SignatureAlgorithm algorithm;
  PayloadForm form;
  codec::JsonObject members;
};

// CheckJwsHeader knows b64 where the payload is detached.
// Errors: InvalidArgument.
Result<CheckedHeader> CheckJwsHeader(std::string_view base64url, const JwsRules& rules,
                                     bool detached);

}  // namespace salus::jose
