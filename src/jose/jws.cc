#include "jose/jws.h"

#include "codec/base64.h"
#include "crypto/hmac.h"
#include "jose/jws_header.h"
#include "jose/key_access.h"
#include "jose/protected_header.h"

namespace salus::jose {
namespace {

constexpr std::size_t kMaxTokenBytes = std::size_t{256} << 20;
constexpr std::size_t kMinHmacKeyBytes = 32;  // RFC 7518 section 3.2

Error Refused() { return VerificationFailed("the JWS does not verify with the key at hand"); }
Error WrongKey() { return InvalidArgument("the key does not belong to the signature algorithm"); }

Result<Bytes> SignBytes(ByteSpan input, SigningKeyView key, SignatureAlgorithm algorithm) {
  switch (algorithm) {
    case SignatureAlgorithm::kEs256:
      if (const auto* p256 = key.As<crypto::P256PrivateKey>()) {
        return ToBytes(p256->SignP1363(input));
      }
      return WrongKey();
    case SignatureAlgorithm::kPs256:
      if (const auto* rsa = key.As<crypto::RsaPrivateKey>()) return rsa->SignPss(input);
      return WrongKey();
    case SignatureAlgorithm::kEdDsa:
      if (const auto* ed25519 = key.As<crypto::Ed25519PrivateKey>()) {
        return ToBytes(ed25519->Sign(input));
      }
      return WrongKey();
    case SignatureAlgorithm::kHs256:
      if (const auto* secret = key.As<SecretBytes>();
          secret != nullptr && secret->size() >= kMinHmacKeyBytes) {
        return ToBytes(crypto::HmacSha256Key(secret->view(KeyAccess::Token())).Mac(input));
      }
      return WrongKey();
    case SignatureAlgorithm::kRs256:
      return InvalidArgument("RS256 is verified only; sign with PS256");
  }
  return WrongKey();
}

Result<void> VerifyBytes(ByteSpan input, ByteSpan signature, VerificationKeyView key,
                         SignatureAlgorithm algorithm) {
  switch (algorithm) {
    case SignatureAlgorithm::kEs256:
      if (const auto* p256 = key.As<crypto::P256PublicKey>()) {
        return p256->VerifyP1363(input, signature);
      }
      break;
    case SignatureAlgorithm::kPs256:
      if (const auto* rsa = key.As<crypto::RsaPublicKey>()) {
        return rsa->VerifyPss(input, signature);
      }
      break;
    case SignatureAlgorithm::kRs256:
      if (const auto* rsa = key.As<crypto::RsaPublicKey>()) {
        return rsa->VerifyPkcs1(input, signature);
      }
      break;
    case SignatureAlgorithm::kEdDsa:
      if (const auto* ed25519 = key.As<crypto::Ed25519PublicKey>()) {
        return ed25519->Verify(input, signature);
      }
      break;
    case SignatureAlgorithm::kHs256:
      if (const auto* secret = key.As<SecretBytes>();
          secret != nullptr && secret->size() >= kMinHmacKeyBytes) {
        const crypto::Hash32 expected =
            crypto::HmacSha256Key(secret->view(KeyAccess::Token())).Mac(input);
        if (ConstantTimeEqual(expected, signature)) return {};
      }
      break;
  }
  return Refused();
}

Bytes SigningInput(std::string_view header, ByteSpan payload, PayloadForm form) {
  Bytes input;
  if (form == PayloadForm::kRaw) {
    input.reserve(header.size() + 1 + payload.size());
    Append(input, AsBytes(header));
    input.push_back('.');
    Append(input, payload);
    return input;
  }
  const std::string encoded = codec::Base64UrlEncode(payload);
  input.reserve(header.size() + 1 + encoded.size());
  Append(input, AsBytes(header));
  input.push_back('.');
  Append(input, AsBytes(encoded));
  return input;
}

Result<VerifiedJws> VerifyParsed(std::string_view token, VerificationKeyView key,
                                 const JwsRules& rules) {
  if (token.size() > kMaxTokenBytes) return InvalidArgument("the token is too long");
  TRY(const auto parts, SplitCompact<3>(token));
  TRY(CheckedHeader header, CheckJwsHeader(parts[0], rules, false));
  TRY(const Bytes signature, codec::Base64UrlDecode(parts[2]));
  const ByteSpan input = AsBytes(token.substr(0, parts[0].size() + 1 + parts[1].size()));
  TRY_VOID(VerifyBytes(input, signature, key, header.algorithm));
  TRY(Bytes payload, codec::Base64UrlDecode(parts[1]));
  return VerifiedJws{header.algorithm, std::move(header.members), std::move(payload)};
}

Result<VerifiedJws> VerifyDetachedParsed(std::string_view token, ByteSpan payload,
                                         VerificationKeyView key, const JwsRules& rules) {
  if (token.size() > 2 * kMaxHeaderBytes) return InvalidArgument("the token is too long");
  TRY(const auto parts, SplitCompact<3>(token));
  if (!parts[1].empty()) return InvalidArgument("the payload is not detached");
  TRY(CheckedHeader header, CheckJwsHeader(parts[0], rules, true));
  TRY(const Bytes signature, codec::Base64UrlDecode(parts[2]));
  TRY_VOID(
      VerifyBytes(SigningInput(parts[0], payload, header.form), signature, key, header.algorithm));
  return VerifiedJws{header.algorithm, std::move(header.members), {}};
}

// One answer for every cause, but a library that failed is no verdict on the token.
Result<VerifiedJws> Undifferentiated(Result<VerifiedJws> result) {
  if (!result && result.error().code != ErrorCode::kInternal) return Refused();
  return result;
}

Result<VerifiedJws> VerifyWithJwk(std::string_view token, const codec::JsonObject& header,
                                  const Jwk& key, SignatureAlgorithms algorithms) {
  TRY(const std::string_view name, codec::StringAt(header, "alg"));
  TRY(const SignatureAlgorithm algorithm, ParseSignatureAlgorithm(name));
  if (!algorithms.Contains(algorithm)) return InvalidArgument("alg is not accepted");
  TRY(const VerificationKeyView view, key.ForVerifying(algorithm));
  return VerifyParsed(token, view, JwsRules{{algorithm}});
}

}  // namespace

Result<std::string> SignCompact(ByteSpan payload, SigningKeyView key, SignatureAlgorithm algorithm,
                                const codec::JsonObject& header) {
  TRY(const codec::JsonObject all, MakeJwsHeader(algorithm, header, PayloadForm::kBase64Url));
  const Bytes input = SigningInput(EncodeHeader(all), payload, PayloadForm::kBase64Url);
  TRY(const Bytes signature, SignBytes(input, key, algorithm));
  const std::string encoded = codec::Base64UrlEncode(signature);
  std::string token;
  token.reserve(input.size() + 1 + encoded.size());
  token.append(AsText(input)).append(".").append(encoded);
  return token;
}

Result<VerifiedJws> VerifyCompact(std::string_view token, VerificationKeyView key,
                                  const JwsRules& rules) {
  return Undifferentiated(VerifyParsed(token, key, rules));
}

Result<VerifiedJws> VerifyCompact(std::string_view token, VerificationKeyView key,
                                  SignatureAlgorithms algorithms) {
  return VerifyCompact(token, key, JwsRules{algorithms});
}

Result<VerifiedJws> VerifyCompact(std::string_view token, const Jwk& key,
                                  SignatureAlgorithms algorithms) {
  const auto header = UnverifiedHeader(token);
  if (!header) return Refused();
  // A kid on both sides must agree: it says which key the signer meant.
  const codec::Json* key_id = header->if_contains("kid");
  if (key_id != nullptr &&
      (!key_id->is_string() ||
       (key.key_id() && std::string_view(key_id->as_string()) != *key.key_id()))) {
    return Refused();
  }
  return Undifferentiated(VerifyWithJwk(token, *header, key, algorithms));
}

Result<VerifiedJws> VerifyCompact(std::string_view token, const JwkSet& keys,
                                  SignatureAlgorithms algorithms) {
  const auto header = UnverifiedHeader(token);
  if (!header) return Refused();
  std::optional<std::string_view> key_id;
  if (const codec::Json* kid = header->if_contains("kid")) {
    if (!kid->is_string()) return Refused();
    key_id = kid->as_string();
  }
  const Jwk* key = keys.Find(key_id);
  if (key == nullptr) return Refused();
  return Undifferentiated(VerifyWithJwk(token, *header, *key, algorithms));
}

Result<std::string> SignDetached(ByteSpan payload, SigningKeyView key, SignatureAlgorithm algorithm,
                                 PayloadForm form, const codec::JsonObject& header) {
  TRY(const codec::JsonObject all, MakeJwsHeader(algorithm, header, form));
  const std::string encoded_header = EncodeHeader(all);
  TRY(const Bytes signature,
      SignBytes(SigningInput(encoded_header, payload, form), key, algorithm));
  return encoded_header + ".." + codec::Base64UrlEncode(signature);
}

Result<VerifiedJws> VerifyDetached(std::string_view token, ByteSpan payload,
                                   VerificationKeyView key, const JwsRules& rules) {
  return Undifferentiated(VerifyDetachedParsed(token, payload, key, rules));
}

Result<codec::JsonObject> UnverifiedHeader(std::string_view token) {
  return DecodeHeader(token.substr(0, token.find('.')));
}

}  // namespace salus::jose
