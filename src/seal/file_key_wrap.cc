#include "seal/file_key_wrap.h"

#include <array>

#include "base/check.h"
#include "codec/base64.h"
#include "crypto/chacha20_poly1305.h"
#include "crypto/hkdf.h"
#include "seal/key_access.h"

namespace salus::seal {

namespace {

constexpr std::array<std::uint8_t, 12> kZeroNonce{};

}  // namespace

SecretArray<32> WrapKeyOf(const SecretArray<32>& shared_secret, ByteSpan ephemeral,
                          ByteSpan recipient, std::string_view info) {
  Bytes salt = ToBytes(ephemeral);
  Append(salt, recipient);
  SecretArray<32> key;
  CHECK(crypto::HkdfSha256(shared_secret.view(KeyAccess::Token()), salt, AsBytes(info),
                           key.mutable_view(KeyAccess::Token()))
            .has_value());
  return key;
}

Bytes WrapFileKey(const SecretArray<32>& wrap_key, const FileKey& key) {
  return crypto::ChaCha20Poly1305Seal(wrap_key.view(KeyAccess::Token()), kZeroNonce, {},
                                      key.view(KeyAccess::Token()));
}

Result<std::optional<FileKey>> UnwrapFileKey(const SecretArray<32>& wrap_key, ByteSpan body) {
  if (body.size() != kWrappedKeyBytes) {
    return VerificationFailed("a stanza of the header holds a key of another length");
  }
  FileKey key;
  crypto::ChaCha20Poly1305Chunks cipher(wrap_key);
  if (!cipher.Open(kZeroNonce, body, key.mutable_view(KeyAccess::Token()))) {
    return std::optional<FileKey>();
  }
  return std::optional<FileKey>(std::move(key));
}

Result<Bytes> FixedArgument(const Stanza& stanza, std::size_t count, std::size_t place,
                            std::size_t size) {
  if (stanza.arguments.size() == count) {
    Result<Bytes> bytes = codec::Base64RawDecode(stanza.arguments[place]);
    if (bytes && bytes->size() == size) return bytes;
  }
  return VerificationFailed("a stanza of type " + stanza.type +
                            " in the header has not the form of its type");
}

}  // namespace salus::seal
