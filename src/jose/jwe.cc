#include "jose/jwe.h"

#include <algorithm>
#include <array>
#include <concepts>

#include "codec/base64.h"
#include "jose/content_cipher.h"
#include "jose/content_key.h"
#include "jose/key_access.h"
#include "jose/protected_header.h"

namespace salus::jose {
namespace {

constexpr std::size_t kMaxTokenBytes = std::size_t{512} << 20;
constexpr std::array<std::string_view, 7> kReserved = {"alg", "enc", "epk", "apu",
                                                       "apv", "zip", "crit"};

Error Refused() { return VerificationFailed("the JWE does not open with the key at hand"); }

SecretBytes RandomSecret(std::size_t size, RandomSource& random) {
  SecretBytes secret(size);
  random.Fill(secret.mutable_view(KeyAccess::Token()));
  return secret;
}

// OpenedParts is a compact JWE, decrypted where its ciphertext was decoded.
struct OpenedParts {
  KeyManagement algorithm;
  ContentEncryption encryption;
  codec::JsonObject header;
  MutableByteSpan plaintext;
};

// SealedBuffer holds ciphertext || tag, then the plaintext: Bytes, or SecretBytes for key material.
template <typename Buffer>
MutableByteSpan ViewOf(Buffer& buffer) {
  if constexpr (std::same_as<Buffer, SecretBytes>) {
    return buffer.mutable_view(KeyAccess::Token());
  } else {
    return buffer;
  }
}

template <typename Buffer>
Result<OpenedParts> OpenParsed(std::string_view token, DecryptionKeyView key, const JweRules& rules,
                               Buffer& buffer) {
  if (token.size() > kMaxTokenBytes) return InvalidArgument("the token is too long");
  TRY(const auto parts, SplitCompact<5>(token));
  TRY(codec::JsonObject header, DecodeHeader(parts[0]));
  TRY_VOID(CheckCritical(header, rules.critical));
  if (header.contains("zip")) return InvalidArgument("compressed content is refused");
  TRY(const std::string_view alg, codec::StringAt(header, "alg"));
  TRY(const std::string_view enc, codec::StringAt(header, "enc"));
  TRY(const KeyManagement algorithm, ParseKeyManagement(alg));
  TRY(const ContentEncryption encryption, ParseContentEncryption(enc));
  if (!rules.algorithms.Contains(algorithm) || !rules.encryptions.Contains(encryption)) {
    return InvalidArgument("alg or enc is not accepted");
  }
  if (parts[1].size() > kMaxHeaderBytes) return InvalidArgument("the encrypted key is too long");
  TRY(const Bytes encrypted_key, codec::Base64UrlDecode(parts[1]));
  TRY(const Bytes nonce, codec::Base64UrlDecode(parts[2]));
  TRY(const Bytes tag, codec::Base64UrlDecode(parts[4]));
  if (tag.size() != TagSizeOf(encryption)) return InvalidArgument("the tag has a wrong length");
  TRY(const SecretBytes content_key,
      OpenContentKey(key, algorithm, encryption, header, encrypted_key));

  const std::size_t size = parts[3].size() / 4 * 3 + parts[3].size() % 4 * 3 / 4;
  buffer = Buffer(size + tag.size());
  const MutableByteSpan sealed = ViewOf(buffer);
  TRY(const std::size_t written, codec::Base64UrlDecodeInto(parts[3], sealed.first(size)));
  if (written != size) return InvalidArgument("the ciphertext has a wrong length");
  std::copy(tag.begin(), tag.end(), sealed.begin() + static_cast<std::ptrdiff_t>(size));
  TRY(const std::size_t plaintext_size,
      OpenContent(encryption, content_key, nonce, AsBytes(parts[0]), sealed));
  return OpenedParts{algorithm, encryption, std::move(header), sealed.first(plaintext_size)};
}

Error Flattened(const Error& error) {
  return error.code == ErrorCode::kInternal ? error : Refused();
}

}  // namespace

Result<std::string> EncryptCompact(ByteSpan plaintext, EncryptionKeyView key,
                                   KeyManagement algorithm, ContentEncryption encryption,
                                   RandomSource& random, const codec::JsonObject& header) {
  codec::JsonObject all;
  all["alg"] = NameOf(algorithm);
  all["enc"] = NameOf(encryption);
  for (const auto& [name, value] : header) {
    if (std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end()) {
      return InvalidArgument("the header has a member that the encryption sets itself");
    }
    all[name] = value;
  }
  SecretBytes content_key;
  Bytes encrypted_key;
  if (GivesContentKey(algorithm)) {
    TRY(content_key, AgreedContentKey(key, algorithm, encryption, random, all));
  } else {
    content_key = RandomSecret(KeySizeOf(encryption), random);
    TRY(encrypted_key, WrapContentKey(key, algorithm, content_key, random, all));
  }
  Bytes nonce(NonceSizeOf(encryption));
  random.Fill(nonce);
  std::string token = EncodeHeader(all);
  TRY(const Bytes sealed, SealContent(encryption, content_key, nonce, AsBytes(token), plaintext));
  const ByteSpan view = sealed;
  const std::size_t tag_size = TagSizeOf(encryption);
  const std::string ciphertext = codec::Base64UrlEncode(view.first(view.size() - tag_size));
  token.reserve(token.size() + encrypted_key.size() * 2 + ciphertext.size() + 64);
  token.append(".").append(codec::Base64UrlEncode(encrypted_key));
  token.append(".").append(codec::Base64UrlEncode(nonce));
  token.append(".").append(ciphertext);
  token.append(".").append(codec::Base64UrlEncode(view.last(tag_size)));
  return token;
}

Result<DecryptedJwe> DecryptCompact(std::string_view token, DecryptionKeyView key,
                                    const JweRules& rules) {
  Bytes buffer;
  auto opened = OpenParsed(token, key, rules, buffer);
  if (!opened) return Flattened(opened.error());
  buffer.resize(opened->plaintext.size());
  return DecryptedJwe{opened->algorithm, opened->encryption, std::move(opened->header),
                      std::move(buffer)};
}

Result<DecryptedSecretJwe> DecryptCompactSecret(std::string_view token, DecryptionKeyView key,
                                                const JweRules& rules) {
  SecretBytes buffer;
  auto opened = OpenParsed(token, key, rules, buffer);
  if (!opened) return Flattened(opened.error());
  return DecryptedSecretJwe{opened->algorithm, opened->encryption, std::move(opened->header),
                            SecretBytes(ByteSpan(opened->plaintext))};
}

Result<DecryptedJwe> DecryptCompact(std::string_view token, const Jwk& key, const JweRules& rules) {
  const auto header = DecodeHeader(token.substr(0, token.find('.')));
  if (!header) return Refused();
  const auto name = codec::StringAt(*header, "alg");
  if (!name) return Refused();
  const auto algorithm = ParseKeyManagement(*name);
  if (!algorithm || !rules.algorithms.Contains(*algorithm)) return Refused();
  if (const codec::Json* key_id = header->if_contains("kid")) {
    if (!key_id->is_string()) return Refused();
    if (key.key_id() && std::string_view(key_id->as_string()) != *key.key_id()) return Refused();
  }
  const auto view = key.ForDecrypting(*algorithm);
  if (!view) return Refused();
  JweRules narrowed{{*algorithm}, rules.encryptions, rules.critical};
  // The `alg` of a key that is used directly names its content encryption (RFC 7520 section 5.6).
  if (*algorithm == KeyManagement::kDirect && key.algorithm()) {
    if (const auto encryption = ParseContentEncryption(*key.algorithm())) {
      if (!rules.encryptions.Contains(*encryption)) return Refused();
      narrowed.encryptions = {*encryption};
    }
  }
  return DecryptCompact(token, *view, narrowed);
}

}  // namespace salus::jose
