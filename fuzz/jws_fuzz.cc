// Whatever verifies carries the HMAC that a literal reading of RFC 7515 gives, and a header that
// says HS256 and nothing critical. The first byte chooses what the rest is.
#include <cstdint>

#include "base/check.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "crypto/hmac.h"
#include "jose/jws.h"

namespace {

using namespace std::literals;
using salus::Bytes;
using salus::SecretBytes;
using salus::codec::Base64UrlEncode;
using salus::jose::SignatureAlgorithm;

const SecretBytes& Key() {
  static const SecretBytes key(Bytes(32, 7));
  return key;
}

std::string Signature(std::string_view input) {
  static const salus::crypto::HmacSha256Key key(Bytes(32, 7));
  return Base64UrlEncode(key.Mac(salus::AsBytes(input)));
}

void CheckToken(std::string_view token) {
  using salus::jose::VerifyCompact;
  const auto verified = VerifyCompact(token, Key(), {SignatureAlgorithm::kHs256});
  if (!verified) {
    CHECK(verified.error().code == salus::ErrorCode::kVerificationFailed);
    return;
  }
  const std::size_t dot = token.rfind('.');
  CHECK(token.substr(dot + 1) == Signature(token.substr(0, dot)));
  CHECK(token.substr(token.find('.') + 1, dot - token.find('.') - 1) ==
        Base64UrlEncode(verified->payload));
  CHECK(verified->header.at("alg").as_string() == "HS256");
  CHECK(!verified->header.contains("crit") && !verified->header.contains("b64"));
  CHECK(!VerifyCompact(token, Key(), {SignatureAlgorithm::kEs256}));
}

void CheckDetached(std::string_view token) {
  const salus::jose::JwsRules rules{{SignatureAlgorithm::kHs256}};
  const auto verified = VerifyDetached(token, salus::AsBytes("$.02"sv), Key(), rules);
  if (!verified) return;
  CHECK(verified->header.at("alg").as_string() == "HS256");
  const auto* b64 = verified->header.if_contains("b64");
  const std::string header(token.substr(0, token.find('.')));
  const bool raw = b64 != nullptr && !b64->as_bool();
  CHECK(token == header + ".." + Signature(header + (raw ? ".$.02" : ".JC4wMg")));
}

void CheckRoundTrip(salus::ByteSpan payload) {
  using salus::jose::PayloadForm;
  const auto token =
      salus::jose::SignCompact(payload, Key(), SignatureAlgorithm::kHs256, {{"typ", "x"}}).value();
  const auto verified =
      salus::jose::VerifyCompact(token, Key(), {SignatureAlgorithm::kHs256}).value();
  CHECK(salus::Equal(verified.payload, payload));
  for (const PayloadForm form : {PayloadForm::kRaw, PayloadForm::kBase64Url}) {
    const auto detached =
        salus::jose::SignDetached(payload, Key(), SignatureAlgorithm::kHs256, form).value();
    CHECK(salus::jose::VerifyDetached(detached, payload, Key(), {{SignatureAlgorithm::kHs256}})
              .has_value());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const salus::ByteSpan rest(data + 1, size - 1);
  const std::string_view text = salus::AsText(rest);
  switch (data[0]) {
    case 't':  // a token
      CheckToken(text);
      CheckDetached(text);
      break;
    case 'h': {  // a header, which we sign properly
      const std::string header = Base64UrlEncode(rest);
      CheckToken(header + ".eA." + Signature(header + ".eA"));
      CheckDetached(header + ".." + Signature(header + ".$.02"));
      CheckDetached(header + ".." + Signature(header + ".JC4wMg"));
      break;
    }
    default:
      CheckRoundTrip(rest);
  }
  return 0;
}
