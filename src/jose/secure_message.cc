#include "jose/secure_message.h"

#include <array>

#include "base/id.h"
#include "codec/rfc3339.h"
#include "jose/jwe.h"
#include "jose/jws.h"

namespace salus::jose {
namespace {

constexpr std::size_t kMaxPayloadBytes = std::size_t{128} << 20;
constexpr std::string_view kType = "salus-message";
constexpr std::array<std::string_view, 4> kSigned = {"sender", "recipient", "time", "id"};

Error Refused() { return VerificationFailed("the message does not open with the keys at hand"); }

Result<void> CheckHeader(const SecureMessageHeader& header) {
  for (const std::string& text : {header.sender, header.recipient, header.id}) {
    TRY_VOID(ValidateIdText(text));
  }
  return {};
}

Result<SignatureAlgorithm> AlgorithmOf(SigningKeyView key) {
  if (key.As<crypto::P256PrivateKey>() != nullptr) return SignatureAlgorithm::kEs256;
  if (key.As<crypto::RsaPrivateKey>() != nullptr) return SignatureAlgorithm::kPs256;
  return InvalidArgument("messages are signed with a P-256 or an RSA key");
}

Result<KeyManagement> AlgorithmOf(EncryptionKeyView key) {
  if (key.As<crypto::P256PublicKey>() != nullptr) return KeyManagement::kEcdhEsA256Kw;
  if (key.As<crypto::RsaPublicKey>() != nullptr) return KeyManagement::kRsaOaep256;
  return InvalidArgument("messages are sealed to a P-256 or an RSA key");
}

Result<KeyManagement> AlgorithmOf(DecryptionKeyView key) {
  if (key.As<crypto::P256PrivateKey>() != nullptr) return KeyManagement::kEcdhEsA256Kw;
  if (key.As<crypto::RsaPrivateKey>() != nullptr) return KeyManagement::kRsaOaep256;
  return InvalidArgument("messages are opened with a P-256 or an RSA key");
}

Result<SecureMessageHeader> ReadHeader(const codec::JsonObject& members) {
  TRY(const std::string_view type, codec::StringAt(members, "typ"));
  if (type != kType) return InvalidArgument("typ is not that of a message");
  // Without crit, a reader that knows nothing of recipient and time would take the payload.
  TRY(const codec::JsonArray* critical, codec::ArrayAt(members, "crit"));
  if (critical->size() != kSigned.size()) return InvalidArgument("crit is not complete");
  TRY(const std::string_view sender, codec::StringAt(members, "sender"));
  TRY(const std::string_view recipient, codec::StringAt(members, "recipient"));
  TRY(const std::string_view time, codec::StringAt(members, "time"));
  TRY(const std::string_view id, codec::StringAt(members, "id"));
  TRY(const Timestamp parsed, codec::ParseRfc3339(time));
  SecureMessageHeader header{std::string(sender), std::string(recipient), parsed, std::string(id)};
  TRY_VOID(CheckHeader(header));
  return header;
}

// VerifyInner believes the claimed sender just enough to look the key up; the signature decides.
Result<OpenedMessage> VerifyInner(std::string_view token, const SenderKeyLookup& lookup) {
  TRY(const codec::JsonObject unverified, UnverifiedHeader(token));
  TRY(SecureMessageHeader header, ReadHeader(unverified));
  TRY(const crypto::PublicKey key, lookup(header.sender, header.time));
  JwsRules rules{{SignatureAlgorithm::kEs256}, kSigned};
  const auto* p256 = std::get_if<crypto::P256PublicKey>(&key);
  const auto* rsa = std::get_if<crypto::RsaPublicKey>(&key);
  if (p256 == nullptr && rsa == nullptr) return InvalidArgument("the sender's key is no P-256 key");
  if (rsa != nullptr) rules.algorithms = {SignatureAlgorithm::kPs256};
  TRY(VerifiedJws verified,
      VerifyCompact(token, p256 != nullptr ? VerificationKeyView(*p256) : VerificationKeyView(*rsa),
                    rules));
  // The same bytes, so the same header: reading it twice would only hide that.
  return OpenedMessage{std::move(header), std::move(verified.payload)};
}

Result<void> CheckFresh(const SecureMessageHeader& header, const OpenRules& rules, Timestamp now) {
  if (header.recipient != rules.recipient) {
    return PermissionDenied("the message was signed for another recipient");
  }
  if (header.time > now + rules.max_ahead) {
    return FailedPrecondition("the message's time lies ahead; compare the clocks of both sides");
  }
  if (header.time < now - rules.max_age) {
    return FailedPrecondition("the message is older than accepted; ask for it again");
  }
  return {};
}

}  // namespace

Result<Bytes> PackMessage(ByteSpan payload, const SecureMessageHeader& header,
                          SigningKeyView signing_key, EncryptionKeyView recipient_key,
                          RandomSource& random) {
  TRY_VOID(CheckHeader(header));
  if (payload.size() > kMaxPayloadBytes) {
    return InvalidArgument("a message holds at most 128 MiB; split the file");
  }
  TRY(const SignatureAlgorithm signature, AlgorithmOf(signing_key));
  TRY(const KeyManagement management, AlgorithmOf(recipient_key));
  codec::JsonObject members;
  members["typ"] = kType;
  members["crit"] = codec::JsonArray(kSigned.begin(), kSigned.end());
  members["sender"] = header.sender;
  members["recipient"] = header.recipient;
  members["time"] = codec::FormatRfc3339(header.time);
  members["id"] = header.id;
  TRY(const std::string inner, SignCompact(payload, signing_key, signature, members));
  codec::JsonObject outer;
  outer["cty"] = "JWS";
  TRY(const std::string sealed, EncryptCompact(AsBytes(inner), recipient_key, management,
                                               ContentEncryption::kA256Gcm, random, outer));
  return ToBytes(sealed);
}

Result<OpenedMessage> OpenMessage(ByteSpan message, DecryptionKeyView own_key,
                                  const SenderKeyLookup& lookup, const OpenRules& rules,
                                  ReplayGuard& guard, const Clock& clock) {
  TRY(const KeyManagement management, AlgorithmOf(own_key));
  TRY(const DecryptedJwe outer,
      DecryptCompact(AsText(message), own_key,
                     JweRules{{management}, {ContentEncryption::kA256Gcm}}));
  const auto content_type = codec::StringAt(outer.header, "cty");
  if (!content_type || *content_type != "JWS") return Refused();
  auto opened = VerifyInner(AsText(outer.plaintext), lookup);
  if (!opened) {
    const ErrorCode code = opened.error().code;
    if (code == ErrorCode::kUnavailable || code == ErrorCode::kInternal) return opened;
    return Refused();
  }
  TRY_VOID(CheckFresh(opened->header, rules, clock.Now()));
  TRY_VOID(guard.Accept(opened->header.sender, opened->header.id, opened->header.time));
  return opened;
}

}  // namespace salus::jose
