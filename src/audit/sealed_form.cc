#include "audit/sealed_form.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/aes_gcm.h"

namespace salus::audit {

namespace {

constexpr std::size_t kWrappedKeySize = 40;
constexpr std::size_t kParts = 5;

Result<std::vector<Bytes>> DecodeParts(std::string_view sealed) {
  std::vector<Bytes> parts;
  for (std::size_t at = 0; at <= sealed.size() && parts.size() <= kParts;) {
    const std::size_t end = std::min(sealed.find('.', at), sealed.size());
    TRY(Bytes part, codec::Base64UrlDecode(sealed.substr(at, end - at)));
    parts.push_back(std::move(part));
    at = end + 1;
  }
  return parts;
}

bool IsHeader(ByteSpan text) {
  const Result<codec::Json> header = codec::ParseJson(AsText(text));
  if (!header || !header->is_object()) return false;
  const codec::JsonObject& members = header->get_object();
  const auto algorithm = codec::StringAt(members, "alg");
  const auto encryption = codec::StringAt(members, "enc");
  return algorithm && encryption && *algorithm == "ECDH-ES+A256KW" && *encryption == "A256GCM" &&
         members.contains("epk");
}

}  // namespace

Result<void> CheckSealedForm(std::string_view member, std::string_view sealed,
                             std::size_t max_bytes) {
  if (sealed.size() > max_bytes) {
    return InvalidArgument(std::string(member) + ": has at most " + std::to_string(max_bytes) +
                           " bytes");
  }
  const Result<std::vector<Bytes>> parts = DecodeParts(sealed);
  const bool fits = parts && parts->size() == kParts && (*parts)[1].size() == kWrappedKeySize &&
                    (*parts)[2].size() == crypto::kGcmNonceSize &&
                    (*parts)[4].size() == crypto::kGcmTagSize && IsHeader((*parts)[0]);
  if (fits) return {};
  return InvalidArgument(std::string(member) +
                         ": is no message sealed to a P-256 key (compact JWE, ECDH-ES+A256KW, "
                         "A256GCM)");
}

}  // namespace salus::audit
