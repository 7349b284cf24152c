#include "api/json_body.h"

#include <charconv>
#include <limits>

#include "codec/rfc3339.h"
#include "jose/jwk.h"

namespace salus::api {

Result<codec::JsonObject> ReadJsonBody(ByteSpan body,
                                       std::initializer_list<std::string_view> members) {
  TRY(codec::Json json, codec::ParseJson(AsText(body)));
  if (!json.is_object()) return InvalidArgument("the body must be a JSON object");
  TRY_VOID(codec::CheckMembers(json.as_object(), members));
  return std::move(json.as_object());
}

Result<std::optional<Day>> ReadDay(const codec::JsonObject& object, std::string_view name) {
  TRY(const auto text, codec::OptionalStringAt(object, name));
  if (!text) return std::optional<Day>();
  const Result<Day> day = codec::ParseDay(*text);
  if (!day) return InvalidArgument(std::string(name) + ": must be a day, YYYY-MM-DD");
  return std::optional<Day>(*day);
}

Result<std::optional<Day>> ReadDay(const http::Query& query, std::string_view name) {
  const std::string* text = query.Find(name);
  if (text == nullptr) return std::optional<Day>();
  const Result<Day> day = codec::ParseDay(*text);
  if (!day) return InvalidArgument(std::string(name) + ": must be a day, YYYY-MM-DD");
  return std::optional<Day>(*day);
}

Result<std::uint64_t> ReadCount(const http::Query& query, std::string_view name) {
  const std::string* text = query.Find(name);
  if (text == nullptr) return 0;
  std::int64_t value = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc() || stop != end || value < 0) {
    return InvalidArgument(std::string(name) + ": must be a whole number that is not negative");
  }
  return static_cast<std::uint64_t>(value);
}

Result<crypto::P256PublicKey> ReadJwk(const codec::JsonObject& key) {
  Result<jose::Jwk> jwk = jose::Jwk::FromJson(codec::Json(key));
  if (!jwk) return std::move(jwk.error()).WithContext("key");
  const auto* material = std::get_if<crypto::P256PublicKey>(&jwk->material());
  if (material == nullptr || jwk->use() == jose::JwkUse::kSignature) {
    return InvalidArgument("key: must be a public P-256 key for encryption");
  }
  return *material;
}

codec::Json JwkOf(const crypto::P256PublicKey& key) {
  const jose::Jwk jwk(key);
  const Result<codec::Json> json = jwk.PublicJson();
  return json ? *json : codec::Json();
}

Result<audit::Subject> PatientAt(std::string_view id, const http::Query& query) {
  const std::string* system = query.Find("system");
  return audit::Subject::Create(audit::SubjectKind::kPatient,
                                system == nullptr ? std::string_view() : *system, id);
}

}  // namespace salus::api
