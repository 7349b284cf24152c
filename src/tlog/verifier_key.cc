#include "tlog/verifier_key.h"

#include <algorithm>
#include <array>

#include "base/endian.h"
#include "base/utf8.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "crypto/sha256.h"

namespace salus::tlog {
namespace {

constexpr std::size_t kMaxNameBytes = 255;
constexpr std::size_t kKeySize = 32;
constexpr std::size_t kTimeSize = 8;
constexpr std::uint64_t kMaxTime = (std::uint64_t{1} << 63) - 1;

// Unicode's White_Space above U+0020 (PropList.txt), in UTF-8.
constexpr std::array<std::string_view, 19> kWideSpaces = {
    "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
    "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
    "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
    "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};

KeyId KeyIdOf(std::string_view name, SignatureType type, const crypto::Ed25519PublicKey& key) {
  const std::array<std::uint8_t, 2> newline_and_type = {'\n', static_cast<std::uint8_t>(type)};
  return {
      LoadBe<std::uint32_t>(crypto::Sha256({AsBytes(name), newline_and_type, key.bytes()}).data())};
}

std::string HexOf(KeyId id) {
  std::array<std::uint8_t, 4> bytes;
  StoreBe(bytes.data(), id.value);
  return codec::HexEncode(bytes);
}

Error NotAVkey() {
  return InvalidArgument("not a verifier key: expected NAME+KEYID+BASE64 of type 1 or 4");
}

}  // namespace

Result<void> CheckKeyName(std::string_view name) {
  const bool is_bad =
      name.empty() || name.size() > kMaxNameBytes || !IsValidUtf8(name) ||
      std::any_of(name.begin(), name.end(),
                  [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == '+'; }) ||
      std::any_of(kWideSpaces.begin(), kWideSpaces.end(),
                  [name](std::string_view space) { return name.find(space) != name.npos; });
  if (is_bad) return InvalidArgument("a key name is UTF-8 without spaces or '+', 1 to 255 bytes");
  return {};
}

std::string CosignatureMessage(std::uint64_t unix_seconds, std::string_view body) {
  return "cosignature/v1\ntime " + std::to_string(unix_seconds) + "\n" + std::string(body);
}

VerifierKey::VerifierKey(std::string name, SignatureType type, const crypto::Ed25519PublicKey& key)
    : name_(std::move(name)), type_(type), key_(key), id_(KeyIdOf(name_, type, key)) {}

Result<VerifierKey> VerifierKey::Create(std::string_view name, SignatureType type,
                                        const crypto::Ed25519PublicKey& key) {
  TRY_VOID(CheckKeyName(name));
  return VerifierKey(std::string(name), type, key);
}

Result<VerifierKey> VerifierKey::Parse(std::string_view vkey) {
  // Base64 may hold '+', names may not.
  const std::size_t first = vkey.find('+');
  if (first == vkey.npos) return NotAVkey();
  const std::size_t second = vkey.find('+', first + 1);
  if (second == vkey.npos) return NotAVkey();
  const auto encoded = codec::Base64Decode(vkey.substr(second + 1));
  if (!encoded || encoded->size() != 1 + kKeySize) return NotAVkey();
  const auto type = static_cast<SignatureType>(encoded->front());
  if (type != SignatureType::kEd25519 && type != SignatureType::kCosignature) return NotAVkey();
  TRY(auto key, crypto::Ed25519PublicKey::FromBytes(ByteSpan(*encoded).subspan(1)));
  TRY(VerifierKey parsed, Create(vkey.substr(0, first), type, key));
  if (HexOf(parsed.id_) != vkey.substr(first + 1, second - first - 1)) {
    return InvalidArgument("verifier key: its key ID is not that of its name and key");
  }
  return parsed;
}

std::string VerifierKey::ToText() const {
  Bytes encoded = {static_cast<std::uint8_t>(type_)};
  Append(encoded, key_.bytes());
  return name_ + "+" + HexOf(id_) + "+" + codec::Base64Encode(encoded);
}

Result<std::optional<std::uint64_t>> VerifierKey::Verify(std::string_view text,
                                                         ByteSpan signature) const {
  if (type_ == SignatureType::kEd25519) {
    TRY_VOID(key_.Verify(AsBytes(text), signature));
    return std::optional<std::uint64_t>();
  }
  if (signature.size() <= kTimeSize) return VerificationFailed("the signature does not verify");
  const auto time = LoadBe<std::uint64_t>(signature.data());
  if (time > kMaxTime) return VerificationFailed("the signature does not verify");
  TRY_VOID(key_.Verify(AsBytes(CosignatureMessage(time, text)), signature.subspan(kTimeSize)));
  return std::optional(time);
}

}  // namespace salus::tlog
