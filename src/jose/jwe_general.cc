#include "jose/jwe.h"

#include <algorithm>
#include <array>

#include "codec/base64.h"
#include "jose/content_cipher.h"
#include "jose/content_key.h"
#include "jose/key_access.h"
#include "jose/protected_header.h"

namespace salus::jose {
namespace {

constexpr std::size_t kMaxRecipients = 32;
constexpr std::array<std::string_view, 8> kReserved = {"alg", "enc", "epk",  "apu",
                                                       "apv", "zip", "crit", "kid"};

Error Refused() { return VerificationFailed("the JWE does not open with the key at hand"); }

// Merge adds a header to the joined one. A member in two places is refused: two readers could
// believe two different ones.
Result<void> Merge(codec::JsonObject& joined, const codec::JsonObject& more) {
  for (const auto& [name, value] : more) {
    if (!joined.emplace(name, value).second) {
      return InvalidArgument("a header member stands in two places");
    }
  }
  return {};
}

// ParsedMessage is what all recipients share. header is the protected header, joined with the
// shared unprotected one.
struct ParsedMessage {
  codec::JsonObject protected_header;
  codec::JsonObject joined;
  ContentEncryption encryption;
  std::string aad;
  Bytes nonce;
  Bytes sealed;
};

Result<ParsedMessage> ParseMessage(const codec::JsonObject& message, ByteSpan aad,
                                   const JweRules& rules) {
  ParsedMessage out;
  TRY(const std::string_view protected_text, codec::StringAt(message, "protected"));
  TRY(out.protected_header, DecodeHeader(protected_text));
  TRY_VOID(CheckCritical(out.protected_header, rules.critical));
  TRY(const std::string_view enc, codec::StringAt(out.protected_header, "enc"));
  TRY(out.encryption, ParseContentEncryption(enc));
  if (!rules.encryptions.Contains(out.encryption)) return InvalidArgument("enc is not accepted");
  out.joined = out.protected_header;
  TRY(const codec::JsonObject* shared, codec::OptionalObjectAt(message, "unprotected"));
  if (shared != nullptr) {
    if (shared->contains("crit")) return InvalidArgument("crit is not protected");
    TRY_VOID(Merge(out.joined, *shared));
  }

  out.aad = protected_text;
  TRY(const auto aad_text, codec::OptionalStringAt(message, "aad"));
  if (aad_text.value_or("") != codec::Base64UrlEncode(aad)) {
    return InvalidArgument("aad is not what the caller expects");
  }
  if (aad_text) out.aad.append(".").append(*aad_text);

  TRY(const std::string_view nonce, codec::StringAt(message, "iv"));
  TRY(out.nonce, codec::Base64UrlDecode(nonce));
  TRY(const std::string_view tag_text, codec::StringAt(message, "tag"));
  TRY(const Bytes tag, codec::Base64UrlDecode(tag_text));
  if (tag.size() != TagSizeOf(out.encryption)) return InvalidArgument("tag has a wrong length");
  TRY(const std::string_view ciphertext, codec::StringAt(message, "ciphertext"));
  TRY(out.sealed, codec::Base64UrlDecode(ciphertext));
  Append(out.sealed, tag);
  return out;
}

// OpenEntry opens the message by one recipient entry.
Result<DecryptedJwe> OpenEntry(const ParsedMessage& message, const codec::JsonObject& entry,
                               const JweReader& reader, const JweRules& rules) {
  codec::JsonObject joined = message.joined;
  TRY(const codec::JsonObject* own, codec::OptionalObjectAt(entry, "header"));
  if (own != nullptr) {
    if (own->contains("crit")) return InvalidArgument("crit is not protected");
    TRY_VOID(Merge(joined, *own));
  }
  if (joined.contains("zip")) return InvalidArgument("compressed content is refused");
  if (reader.key_id) {
    TRY(const auto key_id, codec::OptionalStringAt(joined, "kid"));
    if (key_id != reader.key_id) return NotFound("the entry is for another key");
  }
  TRY(const std::string_view alg, codec::StringAt(joined, "alg"));
  TRY(const KeyManagement algorithm, ParseKeyManagement(alg));
  if (!rules.algorithms.Contains(algorithm)) return InvalidArgument("alg is not accepted");
  TRY(const auto key_text, codec::OptionalStringAt(entry, "encrypted_key"));
  if (key_text.value_or("").size() > kMaxHeaderBytes) return InvalidArgument("key too long");
  TRY(const Bytes encrypted_key, codec::Base64UrlDecode(key_text.value_or("")));
  TRY(const SecretBytes content_key,
      OpenContentKey(reader.key, algorithm, message.encryption, joined, encrypted_key));
  Bytes buffer = message.sealed;
  TRY(const std::size_t size,
      OpenContent(message.encryption, content_key, message.nonce, AsBytes(message.aad), buffer));
  buffer.resize(size);
  return DecryptedJwe{algorithm, message.encryption, message.protected_header, std::move(buffer)};
}

Result<DecryptedJwe> OpenParsed(std::string_view json, const JweReader& reader, ByteSpan aad,
                                const JweRules& rules) {
  TRY(const codec::Json value, codec::ParseJson(json));
  if (!value.is_object()) return InvalidArgument("the message is not a JSON object");
  const codec::JsonObject& object = value.as_object();
  TRY(const ParsedMessage message, ParseMessage(object, aad, rules));
  TRY(const codec::JsonArray* recipients, codec::OptionalArrayAt(object, "recipients"));
  if (recipients == nullptr) return OpenEntry(message, object, reader, rules);
  if (object.contains("header") || object.contains("encrypted_key")) {
    return InvalidArgument("the message is neither general nor flattened");
  }
  if (recipients->empty() || recipients->size() > kMaxRecipients) {
    return InvalidArgument("a message has 1 to 32 recipients");
  }
  for (const codec::Json& entry : *recipients) {
    if (!entry.is_object()) return InvalidArgument("a recipient is not an object");
    // An entry that does not open is most likely somebody else's.
    if (auto opened = OpenEntry(message, entry.as_object(), reader, rules)) return opened;
  }
  return Refused();
}

}  // namespace

Result<std::string> EncryptGeneral(ByteSpan plaintext, std::span<const JweRecipient> recipients,
                                   ContentEncryption encryption, ByteSpan aad, RandomSource& random,
                                   const codec::JsonObject& header) {
  if (recipients.empty() || recipients.size() > kMaxRecipients) {
    return InvalidArgument("a message has 1 to 32 recipients");
  }
  codec::JsonObject shared;
  shared["enc"] = NameOf(encryption);
  for (const auto& [name, value] : header) {
    if (std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end()) {
      return InvalidArgument("the header has a member that the encryption sets itself");
    }
    shared[name] = value;
  }
  SecretBytes content_key(KeySizeOf(encryption));
  random.Fill(content_key.mutable_view(KeyAccess::Token()));
  codec::JsonArray entries;
  for (const JweRecipient& recipient : recipients) {
    codec::JsonObject own;
    own["alg"] = NameOf(recipient.algorithm);
    if (!recipient.key_id.empty()) own["kid"] = recipient.key_id;
    codec::JsonObject entry;
    if (GivesContentKey(recipient.algorithm)) {
      if (recipients.size() != 1) {
        return InvalidArgument("direct encryption and agreement serve one recipient only");
      }
      TRY(content_key,
          AgreedContentKey(recipient.key, recipient.algorithm, encryption, random, own));
    } else {
      TRY(const Bytes wrapped,
          WrapContentKey(recipient.key, recipient.algorithm, content_key, random, own));
      entry["encrypted_key"] = codec::Base64UrlEncode(wrapped);
    }
    entry["header"] = std::move(own);
    entries.emplace_back(std::move(entry));
  }

  Bytes nonce(NonceSizeOf(encryption));
  random.Fill(nonce);
  codec::JsonObject message;
  std::string authenticated = EncodeHeader(shared);
  message["protected"] = authenticated;
  message["recipients"] = std::move(entries);
  if (!aad.empty()) {
    const std::string encoded = codec::Base64UrlEncode(aad);
    message["aad"] = encoded;
    authenticated.append(".").append(encoded);
  }
  TRY(const Bytes sealed,
      SealContent(encryption, content_key, nonce, AsBytes(authenticated), plaintext));
  const ByteSpan view = sealed;
  const std::size_t tag_size = TagSizeOf(encryption);
  message["iv"] = codec::Base64UrlEncode(nonce);
  message["ciphertext"] = codec::Base64UrlEncode(view.first(view.size() - tag_size));
  message["tag"] = codec::Base64UrlEncode(view.last(tag_size));
  return codec::WriteJson(codec::Json(std::move(message)));
}

Result<DecryptedJwe> DecryptGeneral(std::string_view json, const JweReader& reader, ByteSpan aad,
                                    const JweRules& rules) {
  auto opened = OpenParsed(json, reader, aad, rules);
  if (!opened && opened.error().code != ErrorCode::kInternal) return Refused();
  return opened;
}

}  // namespace salus::jose
