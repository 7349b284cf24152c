// Requests as JSON: strict, so that a misspelt member is an error and not a silent default.
#pragma once

#include <initializer_list>
#include <optional>
#include <string_view>

#include "audit/subject.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "codec/json.h"
#include "crypto/p256.h"
#include "http/uri.h"

namespace salus::api {

// ReadJsonBody reads an object that has no members but these.
//
// Errors: InvalidArgument; it never repeats what was sent.
Result<codec::JsonObject> ReadJsonBody(ByteSpan body,
                                       std::initializer_list<std::string_view> members);

// ReadDay reads a day, nullopt when absent. Errors: InvalidArgument with the member.
Result<std::optional<Day>> ReadDay(const codec::JsonObject& object, std::string_view name);
Result<std::optional<Day>> ReadDay(const http::Query& query, std::string_view name);
// ReadCount reads a whole number from 0 to 2^63-1, 0 when absent.
Result<std::uint64_t> ReadCount(const http::Query& query, std::string_view name);

// ReadJwk is a public P-256 key for encryption. Errors: InvalidArgument, also for a private key.
Result<crypto::P256PublicKey> ReadJwk(const codec::JsonObject& key);
codec::Json JwkOf(const crypto::P256PublicKey& key);

// PatientAt is the patient that a path and ?system= name.
Result<audit::Subject> PatientAt(std::string_view id, const http::Query& query);

}  // namespace salus::api
