#include "tlog/signer_key.h"

#include "base/endian.h"
#include "codec/base64.h"
#include "tlog/secret_mint.h"

namespace salus::tlog {
namespace {

constexpr std::string_view kPrefix = "PRIVATE+KEY+";
constexpr std::size_t kSeedSize = 32;

Error NotAnSkey() { return InvalidArgument("not a signer key: expected PRIVATE+KEY+NAME+..."); }

// WipedBytes holds decoded key material for the length of a scope.
struct WipedBytes {
  Bytes bytes;
  ~WipedBytes() { WipeMemory(bytes.data(), bytes.size()); }
};

}  // namespace

Result<SignerKey> SignerKey::Create(std::string_view name, SignatureType type,
                                    crypto::Ed25519PrivateKey key) {
  TRY(VerifierKey verifier, VerifierKey::Create(name, type, key.public_key()));
  return SignerKey(std::move(verifier), std::move(key));
}

Result<SignerKey> SignerKey::Parse(const SecretBytes& skey) {
  std::string_view text = AsText(skey.view(TlogSecrets::Token()));
  if (!text.starts_with(kPrefix)) return NotAnSkey();
  text.remove_prefix(kPrefix.size());
  const std::size_t first = text.find('+');
  const std::size_t second = first == text.npos ? text.npos : text.find('+', first + 1);
  if (second == text.npos) return NotAnSkey();
  WipedBytes encoded{codec::Base64Decode(text.substr(second + 1)).value_or(Bytes())};
  if (encoded.bytes.size() != 1 + kSeedSize) return NotAnSkey();
  const auto type = static_cast<SignatureType>(encoded.bytes.front());
  if (type != SignatureType::kEd25519 && type != SignatureType::kCosignature) return NotAnSkey();
  const SecretArray<kSeedSize> seed(ByteSpan(encoded.bytes).subspan<1, kSeedSize>());
  auto key = Create(text.substr(0, first), type, crypto::Ed25519PrivateKey::FromSeed(seed));
  if (!key) return NotAnSkey();
  // The key ID is the one part that can show a damaged seed.
  const std::string public_text = key->verifier_.ToText();
  if (!public_text.starts_with(text.substr(0, second + 1))) return NotAnSkey();
  return key;
}

SecretBytes SignerKey::ToText() const {
  const SecretArray<kSeedSize> seed = key_.seed();
  const auto seed_view = seed.view(TlogSecrets::Token());
  WipedBytes encoded{{static_cast<std::uint8_t>(verifier_.type())}};
  encoded.bytes.reserve(1 + kSeedSize);  // no reallocation may leave a copy behind
  Append(encoded.bytes, seed_view);
  std::string base64 = codec::Base64Encode(encoded.bytes);

  const std::string public_text = verifier_.ToText();
  const std::size_t tail = public_text.find('+', public_text.find('+') + 1) + 1;
  const std::string_view head = std::string_view(public_text).substr(0, tail);
  SecretBytes text(kPrefix.size() + head.size() + base64.size());
  std::uint8_t* out = text.mutable_view(TlogSecrets::Token()).data();
  for (const std::string_view part : {kPrefix, head, std::string_view(base64)}) {
    std::memcpy(out, part.data(), part.size());
    out += part.size();
  }
  WipeMemory(base64.data(), base64.size());
  return text;
}

Result<NoteSignature> SignerKey::Sign(std::string_view text, Timestamp time) const {
  NoteSignature signature{verifier_.name(), verifier_.id(), {}};
  if (verifier_.type() == SignatureType::kEd25519) {
    Append(signature.signature, key_.Sign(AsBytes(text)));
    return signature;
  }
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  if (seconds < 0) return InvalidArgument("a cosignature's time is not before 1970");
  const auto unix_seconds = static_cast<std::uint64_t>(seconds);
  AppendBe(signature.signature, unix_seconds);
  Append(signature.signature, key_.Sign(AsBytes(CosignatureMessage(unix_seconds, text))));
  return signature;
}

}  // namespace salus::tlog
