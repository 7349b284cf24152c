// Whatever opens was sealed under a header that pins hold, and gives the plaintext that was sealed.
// The first byte chooses what the rest is.
#include <cstdint>

#include "base/check.h"
#include "base/random.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "crypto/aes_gcm.h"
#include "jose/jwe.h"

namespace {

using namespace std::literals;
using salus::Bytes;
using salus::ByteSpan;
using salus::SecretBytes;
using salus::codec::Base64UrlEncode;
using salus::jose::ContentEncryption;
using salus::jose::JweReader;
using salus::jose::JweRecipient;
using salus::jose::JweRules;
using salus::jose::KeyManagement;

const SecretBytes& Key() {
  static const SecretBytes key(Bytes(32, 7));
  return key;
}

JweRules Rules(KeyManagement algorithm) { return {{algorithm}, {ContentEncryption::kA256Gcm}}; }

// Sealed is iv.ciphertext.tag of the plaintext "x" under Key() itself.
std::string Sealed(std::string_view aad) {
  auto cipher = salus::crypto::AesGcm::Create(Bytes(32, 7)).value();
  const std::array<std::uint8_t, 12> nonce{};
  Bytes out(17);
  cipher.Seal(nonce, salus::AsBytes(aad), salus::AsBytes("x"sv), out);
  return Base64UrlEncode(nonce) + "." + Base64UrlEncode(ByteSpan(out).first(1)) + "." +
         Base64UrlEncode(ByteSpan(out).last(16));
}

void CheckToken(std::string_view token) {
  const auto opened = DecryptCompact(token, Key(), Rules(KeyManagement::kDirect));
  if (!opened) {
    CHECK(opened.error().code == salus::ErrorCode::kVerificationFailed);
    return;
  }
  const std::string_view header = token.substr(0, token.find('.'));
  CHECK(token == std::string(header) + ".." + Sealed(header));
  CHECK(salus::AsText(opened->plaintext) == "x");
  CHECK(opened->header.at("alg").as_string() == "dir");
  CHECK(opened->header.at("enc").as_string() == "A256GCM");
  CHECK(!opened->header.contains("zip") && !opened->header.contains("crit"));
}

void CheckGeneral(std::string_view json) {
  for (const KeyManagement algorithm : {KeyManagement::kDirect, KeyManagement::kA256Kw}) {
    const auto opened = DecryptGeneral(json, JweReader{Key()}, {}, Rules(algorithm));
    if (!opened) {
      CHECK(opened.error().code == salus::ErrorCode::kVerificationFailed);
      continue;
    }
    CHECK(opened->header.at("enc").as_string() == "A256GCM");
    CHECK(!opened->header.contains("zip") && !opened->header.contains("crit"));
  }
}

void CheckRoundTrip(ByteSpan plaintext) {
  salus::SystemRandom random;
  const auto enc = ContentEncryption::kA256Gcm;
  const auto token = EncryptCompact(plaintext, Key(), KeyManagement::kA256Kw, enc, random).value();
  const auto opened = DecryptCompact(token, Key(), Rules(KeyManagement::kA256Kw)).value();
  CHECK(salus::Equal(opened.plaintext, plaintext));
  const JweRecipient recipients[] = {{Key(), KeyManagement::kA256Kw, "1"}};
  const auto json = EncryptGeneral(plaintext, recipients, enc, plaintext, random).value();
  const JweReader reader{Key(), "1"};
  const auto general = DecryptGeneral(json, reader, plaintext, Rules(KeyManagement::kA256Kw));
  CHECK(general.has_value() && salus::Equal(general->plaintext, plaintext));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteSpan rest(data + 1, size - 1);
  const std::string_view text = salus::AsText(rest);
  switch (data[0]) {
    case 't':  // a token
      CheckToken(text);
      break;
    case 'h': {  // a header, under which we seal properly
      const std::string header = Base64UrlEncode(rest);
      CheckToken(header + ".." + Sealed(header));
      break;
    }
    case 'g':  // a general JWE
      CheckGeneral(text);
      break;
    default:
      CheckRoundTrip(rest);
  }
  return 0;
}
