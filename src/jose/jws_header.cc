#include "jose/jws_header.h"

#include <algorithm>
#include <vector>

#include "jose/protected_header.h"

namespace salus::jose {

Result<codec::JsonObject> MakeJwsHeader(SignatureAlgorithm algorithm, const codec::JsonObject& more,
                                        PayloadForm form) {
  if (more.contains("alg") || more.contains("b64")) {
    return InvalidArgument("alg and b64 are set by the signing function");
  }
  codec::JsonObject header;
  header["alg"] = NameOf(algorithm);
  for (const auto& [name, value] : more) header[name] = value;
  if (form == PayloadForm::kRaw) {
    header["b64"] = false;
    codec::Json& critical = header["crit"];
    if (!critical.is_array()) critical = boost::json::array();
    critical.as_array().emplace_back("b64");
  }
  return header;
}

Result<CheckedHeader> CheckJwsHeader(std::string_view base64url, const JwsRules& rules,
                                     bool detached) {
  TRY(codec::JsonObject members, DecodeHeader(base64url));
  TRY(const std::string_view name, codec::StringAt(members, "alg"));
  TRY(const SignatureAlgorithm algorithm, ParseSignatureAlgorithm(name));
  if (!rules.algorithms.Contains(algorithm)) return InvalidArgument("alg is not accepted");
  std::vector<std::string_view> known(rules.critical.begin(), rules.critical.end());
  if (detached) known.emplace_back("b64");
  TRY_VOID(CheckCritical(members, known));
  PayloadForm form = PayloadForm::kBase64Url;
  if (const codec::Json* b64 = members.if_contains("b64")) {
    // RFC 7797 section 6: b64 must be in crit, where CheckCritical found it to be known.
    if (!detached || !b64->is_bool() || !members.contains("crit")) {
      return InvalidArgument("b64 is not accepted");
    }
    const auto& critical = members.at("crit").as_array();
    if (std::find(critical.begin(), critical.end(), codec::Json("b64")) == critical.end()) {
      return InvalidArgument("b64 is not in crit");
    }
    if (!b64->as_bool()) form = PayloadForm::kRaw;
  }
  return CheckedHeader{algorithm, form, std::move(members)};
}

}  // namespace salus::jose
