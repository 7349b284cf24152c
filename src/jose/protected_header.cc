#include "jose/protected_header.h"

#include <algorithm>
#include <set>

#include "codec/base64.h"

namespace salus::jose {
namespace {

// Names of the specifications themselves must not stand in `crit`. "b64" may: it is an extension.
constexpr std::array<std::string_view, 19> kRegistered = {
    "alg", "enc", "zip",  "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256",
    "typ", "cty", "crit", "epk", "apu", "apv", "iv",  "tag", "p2s"};

bool Contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Result<codec::JsonObject> DecodeHeader(std::string_view base64url) {
  if (base64url.size() > kMaxHeaderBytes) return InvalidArgument("the header is too long");
  TRY(const Bytes text, codec::Base64UrlDecode(base64url));
  TRY(codec::Json value, codec::ParseJson(AsText(text)));
  if (!value.is_object()) return InvalidArgument("the header is not a JSON object");
  return std::move(value.as_object());
}

std::string EncodeHeader(const codec::JsonObject& header) {
  return codec::Base64UrlEncode(AsBytes(codec::WriteJson(codec::Json(header))));
}

Result<void> CheckCritical(const codec::JsonObject& header,
                           std::span<const std::string_view> known) {
  const codec::Json* critical = header.if_contains("crit");
  if (critical == nullptr) return {};
  if (!critical->is_array() || critical->as_array().empty()) {
    return InvalidArgument("crit is not an array of names");
  }
  std::set<std::string_view> seen;
  for (const codec::Json& item : critical->as_array()) {
    if (!item.is_string()) return InvalidArgument("crit is not an array of names");
    const std::string_view name(item.as_string());
    if (!seen.insert(name).second || Contains(kRegistered, name) || !header.contains(name) ||
        !Contains(known, name)) {
      return InvalidArgument("crit names a parameter that is not understood here");
    }
  }
  return {};
}

}  // namespace salus::jose
