#include "audit/grant.h"

#include <fmt/format.h>

#include <algorithm>

#include "audit/secret_access.h"
#include "base/check.h"
#include "codec/base64.h"
#include "codec/cbor.h"
#include "codec/json.h"
#include "crypto/aes_gcm.h"
#include "crypto/aes_kw.h"
#include "crypto/concat_kdf.h"
#include "crypto/hmac.h"
#include "crypto/sha256.h"

namespace salus::audit {

namespace {

// BASE64URL({"enc":"A256GCM"}): the one protected header that these grants have.
constexpr std::string_view kProtected = "eyJlbmMiOiJBMjU2R0NNIn0";
constexpr std::string_view kCommitLabel = "salus/grant";
constexpr std::string_view kDummyLabel = "salus/dummy";
constexpr std::size_t kWrappedSize = 40;
using Wrapped = std::array<std::uint8_t, kWrappedSize>;

Bytes EncodePlaintext(const GrantPlaintext& grant) {
  Bytes out;
  codec::CborWriter writer(out);
  writer.Array(6);
  writer.Uint(static_cast<std::uint64_t>(grant.type));
  writer.ByteString(grant.key.view(AuditSecrets::Token()));
  writer.ByteString(grant.tag.span());
  writer.Uint(grant.day);
  writer.Array(grant.readers.size());
  for (const auto& reader : grant.readers) {
    if (!reader) {
      writer.Null();
      continue;
    }
    writer.Array(3);
    writer.Text(SubjectKindName(reader->kind));
    writer.Text(reader->system);
    writer.Text(reader->id);
  }
  writer.Uint(grant.policy_index);
  return out;
}

Result<GrantPlaintext> DecodePlaintext(ByteSpan bytes) {
  GrantPlaintext grant;
  codec::CborReader reader(bytes);
  TRY_VOID(reader.ArrayOf(6));
  TRY(const std::uint64_t type, reader.Uint());
  if (type > 1) return VerificationFailed("grant type");
  grant.type = static_cast<GrantType>(type);
  TRY(const ByteSpan key, reader.ByteString());
  if (key.size() != 32) return VerificationFailed("grant key");
  grant.key = SecretArray<32>(key.first<32>());
  TRY(const ByteSpan tag, reader.ByteString());
  TRY(grant.tag, SubjectTag::FromBytes(tag));
  TRY(const std::uint64_t day, reader.Uint());
  if (day > 0xffffffff) return VerificationFailed("grant day");
  grant.day = static_cast<std::uint32_t>(day);
  TRY(const std::size_t readers, reader.Array());
  for (std::size_t i = 0; i < readers; ++i) {
    TRY(const codec::CborType next, reader.PeekType());
    if (next == codec::CborType::kNull) {
      TRY_VOID(reader.Null());
      grant.readers.emplace_back(std::nullopt);
      continue;
    }
    TRY_VOID(reader.ArrayOf(3));
    TRY(const std::string_view kind_name, reader.Text());
    TRY(const std::string_view system, reader.Text());
    TRY(const std::string_view id, reader.Text());
    TRY(const SubjectKind kind, ParseSubjectKind(kind_name));
    grant.readers.emplace_back(Subject{kind, std::string(system), std::string(id)});
  }
  TRY(grant.policy_index, reader.Uint());
  TRY_VOID(reader.Finish());
  return grant;
}

crypto::Hash32 CommitOf(ByteSpan plaintext) {
  return crypto::Sha256({AsBytes(kCommitLabel), plaintext});
}

Bytes GrantAad(std::string_view origin, ByteSpan find, ByteSpan commit) {
  Bytes out;
  codec::CborWriter writer(out);
  writer.Array(3);
  writer.Text(origin);
  writer.ByteString(find);
  writer.ByteString(commit);
  return out;
}

Wrapped DummyOf(const SecretArray<32>& key, std::size_t slot) {
  const std::uint8_t number = static_cast<std::uint8_t>(slot);
  const crypto::Hash64 mac = crypto::HmacSha512(key, {AsBytes(kDummyLabel), ByteSpan(&number, 1)});
  Wrapped dummy;
  std::copy_n(mac.begin(), dummy.size(), dummy.begin());
  return dummy;
}

// What AES-GCM authenticates beside the ciphertext: RFC 7516 section 5.1 step 14.
std::string AuthenticatedData(std::string_view encoded_aad) {
  std::string data(kProtected);
  data += '.';
  data += encoded_aad;
  return data;
}

struct ParsedJwe {
  std::string aad;
  std::array<std::uint8_t, 12> iv;
  Bytes sealed;  // ciphertext || tag
  std::string epk_x, epk_y;
  std::vector<Bytes> wrapped;
};

Error BadJwe() { return VerificationFailed("the grant is not one that this log writes"); }

Result<Bytes> DecodeMember(const codec::JsonObject& object, std::string_view name) {
  TRY(const std::string_view text, codec::StringAt(object, name));
  return codec::Base64UrlDecode(text);
}

Result<void> ReadRecipient(const codec::JsonObject& recipient, bool is_first, ParsedJwe& jwe) {
  TRY(const codec::JsonObject* header, codec::ObjectAt(recipient, "header"));
  TRY(const std::string_view alg, codec::StringAt(*header, "alg"));
  TRY(Bytes wrapped, DecodeMember(recipient, "encrypted_key"));
  if (wrapped.size() != kWrappedSize || recipient.size() != 2) return BadJwe();
  jwe.wrapped.push_back(std::move(wrapped));
  if (!is_first) {
    return alg == "A256KW" && header->size() == 1 ? Result<void>() : BadJwe();
  }
  if (alg != "ECDH-ES+A256KW" || header->size() != 2) return BadJwe();
  TRY(const codec::JsonObject* epk, codec::ObjectAt(*header, "epk"));
  TRY(const std::string_view kty, codec::StringAt(*epk, "kty"));
  TRY(const std::string_view crv, codec::StringAt(*epk, "crv"));
  TRY(const std::string_view x, codec::StringAt(*epk, "x"));
  TRY(const std::string_view y, codec::StringAt(*epk, "y"));
  if (kty != "EC" || crv != "P-256" || epk->size() != 4) return BadJwe();
  jwe.epk_x = x;
  jwe.epk_y = y;
  return {};
}

Result<ParsedJwe> ReadJwe(std::string_view text) {
  ParsedJwe jwe;
  TRY(const codec::Json json, codec::ParseJson(text));
  TRY(const codec::JsonObject* root, codec::AsObject(json, "jwe"));
  TRY(const std::string_view header, codec::StringAt(*root, "protected"));
  TRY(const std::string_view aad, codec::StringAt(*root, "aad"));
  TRY(const Bytes iv, DecodeMember(*root, "iv"));
  TRY(jwe.sealed, DecodeMember(*root, "ciphertext"));
  TRY(const Bytes tag, DecodeMember(*root, "tag"));
  TRY(const codec::JsonArray* recipients, codec::ArrayAt(*root, "recipients"));
  if (header != kProtected || iv.size() != jwe.iv.size() || tag.size() != crypto::kGcmTagSize ||
      root->size() != 6 || (recipients->size() != 4 && recipients->size() != 8)) {
    return BadJwe();
  }
  jwe.aad = aad;
  std::copy(iv.begin(), iv.end(), jwe.iv.begin());
  Append(jwe.sealed, tag);
  for (std::size_t i = 0; i < recipients->size(); ++i) {
    TRY(const codec::JsonObject* recipient, codec::AsObject((*recipients)[i], "recipients"));
    TRY_VOID(ReadRecipient(*recipient, i == 0, jwe));
  }
  return jwe;
}

Result<ParsedJwe> ParseJwe(std::string_view origin, const GrantBody& grant) {
  Result<ParsedJwe> jwe = ReadJwe(grant.jwe);
  if (!jwe) return BadJwe();
  const Bytes aad = GrantAad(origin, grant.find, grant.commit);
  if (jwe->aad != codec::Base64UrlEncode(aad)) return BadJwe();
  return jwe;
}

// Checks everything that whoever holds the plaintext can check.
Result<GrantPlaintext> CheckPlaintext(ByteSpan plaintext, const GrantBody& grant,
                                      const SubjectTag& tag, const ParsedJwe& jwe) {
  if (CommitOf(plaintext) != grant.commit || FindOf(tag, grant.commit) != grant.find) {
    return VerificationFailed("the grant opens, but does not hold what it commits to");
  }
  Result<GrantPlaintext> opened = DecodePlaintext(plaintext);
  if (!opened || opened->tag != tag || opened->readers.size() != jwe.wrapped.size()) {
    return VerificationFailed("the grant opens, but is not of this subject");
  }
  for (std::size_t slot = 1; slot < jwe.wrapped.size(); ++slot) {
    const bool is_dummy = Equal(DummyOf(opened->key, slot), jwe.wrapped[slot]);
    if (is_dummy != !opened->readers[slot].has_value()) {
      return VerificationFailed("the grant has a reader that it does not name");
    }
  }
  return opened;
}

Result<GrantPlaintext> OpenContent(ByteSpan content_key, const GrantBody& grant,
                                   const SubjectTag& tag, const ParsedJwe& jwe) {
  TRY(crypto::AesGcm cipher, crypto::AesGcm::Create(content_key));
  Bytes plaintext(jwe.sealed.size() - crypto::kGcmTagSize);
  TRY_VOID(cipher.Open(jwe.iv, AsBytes(AuthenticatedData(jwe.aad)), jwe.sealed, plaintext));
  Result<GrantPlaintext> opened = CheckPlaintext(plaintext, grant, tag, jwe);
  WipeMemory(plaintext.data(), plaintext.size());
  return opened;
}

Error NotForThisKey() { return NotFound("no slot of the grant opens with this key"); }

std::string WriteJwe(const crypto::P256PublicKey& ephemeral, std::span<const Wrapped> wrapped,
                     std::string_view encoded_aad, ByteSpan iv, ByteSpan sealed) {
  const ByteSpan ciphertext = sealed.first(sealed.size() - crypto::kGcmTagSize);
  std::string recipients =
      fmt::format(R"({{"header":{{"alg":"ECDH-ES+A256KW","epk":{{"kty":"EC","crv":"P-256",)"
                  R"("x":"{}","y":"{}"}}}},"encrypted_key":"{}"}})",
                  codec::Base64UrlEncode(ephemeral.x()), codec::Base64UrlEncode(ephemeral.y()),
                  codec::Base64UrlEncode(wrapped[0]));
  for (const Wrapped& key : wrapped.subspan(1)) {
    recipients += R"(,{"header":{"alg":"A256KW"},"encrypted_key":")";
    recipients += codec::Base64UrlEncode(key);
    recipients += "\"}";
  }
  return fmt::format(
      R"({{"protected":"{}","recipients":[{}],"aad":"{}","iv":"{}","ciphertext":"{}","tag":"{}"}})",
      kProtected, recipients, encoded_aad, codec::Base64UrlEncode(iv),
      codec::Base64UrlEncode(ciphertext), codec::Base64UrlEncode(sealed.last(crypto::kGcmTagSize)));
}

Result<void> WrapInto(const SecretArray<32>& kek, const SecretArray<32>& key, Wrapped& out) {
  TRY(const Bytes wrapped, crypto::AesKeyWrap(kek, key));
  CHECK(wrapped.size() == out.size());
  std::copy(wrapped.begin(), wrapped.end(), out.begin());
  return {};
}

}  // namespace

std::array<std::uint8_t, 16> FindOf(const SubjectTag& tag, const crypto::Hash32& commit) {
  const crypto::Hash32 mac = crypto::HmacSha256Key(tag.span()).Mac(commit);
  std::array<std::uint8_t, 16> find;
  std::copy_n(mac.begin(), find.size(), find.begin());
  return find;
}

Result<SealedGrant> SealGrant(std::string_view origin, GrantType type, const SecretArray<32>& key,
                              const SubjectTag& tag, Day day, const GrantReader& subject,
                              const crypto::P256PublicKey& subject_key,
                              std::span<const DayKeyReader> readers, std::uint64_t policy_index,
                              RandomSource& random) {
  if (readers.size() > 7)
    return InvalidArgument("a grant has at most 7 readers beside its subject");
  const std::size_t slots = readers.size() < 4 ? 4 : 8;
  GrantPlaintext grant{type, key.Clone(), tag, ToUnixDay(day), {}, policy_index};
  grant.readers.resize(slots);
  grant.readers[0] = subject;
  for (std::size_t i = 0; i < readers.size(); ++i) grant.readers[i + 1] = readers[i].reader;
  Bytes plaintext = EncodePlaintext(grant);

  GrantBody body;
  body.commit = CommitOf(plaintext);
  body.find = FindOf(tag, body.commit);
  const std::string aad = codec::Base64UrlEncode(GrantAad(origin, body.find, body.commit));

  SecretArray<32> content_key;
  random.Fill(content_key.mutable_view(AuditSecrets::Token()));
  const crypto::P256PrivateKey ephemeral = crypto::P256PrivateKey::Generate();
  TRY(const SecretArray<32> shared, ephemeral.Ecdh(subject_key));
  std::vector<Wrapped> wrapped(slots);
  TRY_VOID(WrapInto(crypto::ConcatKdfEcdhEs(shared, "ECDH-ES+A256KW"), content_key, wrapped[0]));
  for (std::size_t slot = 1; slot < slots; ++slot) {
    if (slot <= readers.size()) {
      TRY_VOID(WrapInto(*readers[slot - 1].day_key, content_key, wrapped[slot]));
    } else {
      wrapped[slot] = DummyOf(key, slot);
    }
  }

  const auto iv = random.Array<12>();
  TRY(crypto::AesGcm cipher, crypto::AesGcm::Create(content_key.view(AuditSecrets::Token())));
  Bytes sealed(plaintext.size() + crypto::kGcmTagSize);
  cipher.Seal(iv, AsBytes(AuthenticatedData(aad)), plaintext, sealed);
  WipeMemory(plaintext.data(), plaintext.size());
  const std::string jwe = WriteJwe(ephemeral.public_key(), wrapped, aad, iv, sealed);
  body.jwe = jwe;
  return SealedGrant{EncodeGrant(body), std::move(content_key)};
}

Result<GrantPlaintext> OpenGrantAsSubject(std::string_view origin, const GrantBody& grant,
                                          const SubjectTag& tag,
                                          const crypto::P256PrivateKey& key) {
  TRY(const ParsedJwe jwe, ParseJwe(origin, grant));
  const Result<Bytes> x = codec::Base64UrlDecode(jwe.epk_x);
  const Result<Bytes> y = codec::Base64UrlDecode(jwe.epk_y);
  if (!x || !y) return BadJwe();
  const auto ephemeral = crypto::P256PublicKey::FromCoordinates(*x, *y);
  if (!ephemeral) return BadJwe();
  TRY(const SecretArray<32> shared, key.Ecdh(*ephemeral));
  const SecretArray<32> kek = crypto::ConcatKdfEcdhEs(shared, "ECDH-ES+A256KW");
  const Result<SecretBytes> content_key = crypto::AesKeyUnwrap(kek, jwe.wrapped[0]);
  if (!content_key) return NotForThisKey();
  return OpenContent(content_key->view(AuditSecrets::Token()), grant, tag, jwe);
}

Result<GrantPlaintext> OpenGrantWithDayKey(std::string_view origin, const GrantBody& grant,
                                           const SubjectTag& tag, const SecretArray<32>& day_key) {
  TRY(const ParsedJwe jwe, ParseJwe(origin, grant));
  for (std::size_t slot = 1; slot < jwe.wrapped.size(); ++slot) {
    const Result<SecretBytes> content_key =
        crypto::AesKeyUnwrap(ByteSpan(day_key.view(AuditSecrets::Token())), jwe.wrapped[slot]);
    if (!content_key) continue;
    return OpenContent(content_key->view(AuditSecrets::Token()), grant, tag, jwe);
  }
  return NotForThisKey();
}

Result<GrantPlaintext> OpenGrantContent(std::string_view origin, const GrantBody& grant,
                                        const SubjectTag& tag, const SecretArray<32>& content_key) {
  TRY(const ParsedJwe jwe, ParseJwe(origin, grant));
  return OpenContent(content_key.view(AuditSecrets::Token()), grant, tag, jwe);
}

SecretBytes EncodeGrantPlaintext(const GrantPlaintext& grant) {
  Bytes plaintext = EncodePlaintext(grant);
  SecretBytes secret(plaintext);
  WipeMemory(plaintext.data(), plaintext.size());
  return secret;
}

SharedGrant SharedGrant::Of(ByteSpan plaintext) {
  return {CommitOf(plaintext), SecretBytes(plaintext)};
}

Result<GrantPlaintext> OpenGrantShared(std::string_view origin, const GrantBody& grant,
                                       const SubjectTag& tag, const SharedGrant& shared) {
  if (shared.commit != grant.commit) return NotForThisKey();
  TRY(const ParsedJwe jwe, ParseJwe(origin, grant));
  return CheckPlaintext(shared.plaintext.view(AuditSecrets::Token()), grant, tag, jwe);
}

}  // namespace salus::audit
