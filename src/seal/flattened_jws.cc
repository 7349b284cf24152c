#include "seal/flattened_jws.h"

#include "base/check.h"
#include "codec/json.h"

namespace salus::seal {
namespace {

Result<std::string> Read(std::string_view json, JwsPayload payload) {
  TRY(const codec::Json value, codec::ParseJson(json, {.max_size_bytes = kMaxFlattenedBytes}));
  TRY(const codec::JsonObject* object, codec::AsObject(value, "it"));
  if (object->contains("signatures")) return InvalidArgument("it holds a list of signatures");
  TRY(const std::string_view header, codec::StringAt(*object, "protected"));
  TRY(const std::string_view signature, codec::StringAt(*object, "signature"));
  std::string_view inside;
  if (payload == JwsPayload::kInside) {
    TRY(inside, codec::StringAt(*object, "payload"));
  } else if (object->contains("payload")) {
    return InvalidArgument("it holds its payload; a signature beside the file is wanted");
  }
  // Each part is base64url, which has no dot; the JWS reader checks that.
  std::string token(header);
  token.append(".").append(inside).append(".").append(signature);
  return token;
}

}  // namespace

std::string FlattenJws(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  CHECK(first != std::string_view::npos && first < last);
  codec::JsonObject out;
  if (last > first + 1) out["payload"] = token.substr(first + 1, last - first - 1);
  out["protected"] = token.substr(0, first);
  out["signature"] = token.substr(last + 1);
  return codec::WriteJson(out);
}

Result<std::string> UnflattenJws(std::string_view json, JwsPayload payload) {
  Result<std::string> token = Read(json, payload);
  if (!token) {
    return VerificationFailed("the signature is no JWS in JSON form: " + token.error().message);
  }
  return token;
}

}  // namespace salus::seal
