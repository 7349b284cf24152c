#include "seal/new_key.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "codec/bech32.h"
#include "codec/rfc3339.h"
#include "crypto/pkcs8.h"
#include "crypto/x25519.h"
#include "seal/age_file.h"
#include "seal/key_access.h"
#include "seal/recipient_key.h"
#include "seal/scrypt_recipient.h"
#include "seal/x25519_recipient.h"

namespace salus::seal {

namespace {

constexpr std::string_view kSecretPrefix = "AGE-SECRET-KEY-";

constexpr std::array<std::pair<std::string_view, KeyType>, 6> kTypes = {{
    {"x25519", KeyType::kX25519},
    {"p256", KeyType::kP256},
    {"rsa2048", KeyType::kRsa2048},
    {"rsa3072", KeyType::kRsa3072},
    {"rsa4096", KeyType::kRsa4096},
    {"ed25519", KeyType::kEd25519},
}};

// age-keygen writes whole seconds.
std::string CreatedLine(Timestamp now) {
  const std::string text = codec::FormatRfc3339(std::chrono::floor<std::chrono::seconds>(now));
  return "# created: " + text.substr(0, text.find('.')) + "Z\n";
}

SecretBytes AgeKeyText(const crypto::X25519PrivateKey& key, Timestamp now,
                       const std::string& name) {
  const auto token = KeyAccess::Token();
  const std::string head = CreatedLine(now) + "# public key: " + name + "\n";
  const std::size_t line = codec::Bech32Size(kSecretPrefix.size(), 32);
  SecretBytes out(head.size() + line + 1);
  const MutableByteSpan text = out.mutable_view(token);
  std::copy(head.begin(), head.end(), text.begin());
  const SecretArray<32> bytes = key.bytes();
  codec::Bech32EncodeInto(kSecretPrefix, bytes.view(token), text.subspan(head.size(), line));
  text.back() = '\n';
  return out;
}

Result<SecretBytes> SealedText(const SecretBytes& text, const SecretBytes& passphrase,
                               RandomSource& random) {
  if (passphrase.empty()) return InvalidArgument("an empty passphrase protects nothing");
  Recipients recipients;
  recipients.push_back(std::make_unique<ScryptRecipient>(passphrase.Clone()));
  SealSettings settings;
  settings.is_armored = true;
  MemorySink out;
  MemorySource in(text.view(KeyAccess::Token()));
  TRY(const std::unique_ptr<AgeSealer> sealer, AgeSealer::Start(out, recipients, settings, random));
  TRY_VOID(sealer->SealAll(in));
  return SecretBytes(out.bytes());
}

Result<NewKey> MakeX25519(Timestamp now, const SecretBytes* passphrase, RandomSource& random) {
  const auto key = crypto::X25519PrivateKey::Generate(random);
  NewKey out;
  out.name = X25519Recipient(key.public_key()).Name();
  out.public_text = out.name + "\n";
  out.file = AgeKeyText(key, now, out.name);
  if (passphrase != nullptr) {
    TRY(out.file, SealedText(out.file, *passphrase, random));
  }
  return out;
}

Result<crypto::PrivateKey> MakePemKey(KeyType type, RandomSource& random) {
  if (type == KeyType::kP256) return crypto::PrivateKey(crypto::P256PrivateKey::Generate());
  if (type == KeyType::kEd25519) {
    return crypto::PrivateKey(crypto::Ed25519PrivateKey::Generate(random));
  }
  const std::size_t bits = type == KeyType::kRsa2048   ? 2048
                           : type == KeyType::kRsa3072 ? 3072
                                                       : 4096;
  TRY(crypto::RsaPrivateKey key, crypto::RsaPrivateKey::Generate(bits));
  return crypto::PrivateKey(std::move(key));
}

}  // namespace

Result<KeyType> ParseKeyType(std::string_view text) {
  const auto* const found = std::find_if(kTypes.begin(), kTypes.end(),
                                         [&](const auto& type) { return type.first == text; });
  if (found != kTypes.end()) return found->second;
  std::string names;
  for (const auto& type : kTypes) names += (names.empty() ? "" : ", ") + std::string(type.first);
  return InvalidArgument("the types of keys are " + names);
}

Result<NewKey> NewKey::Make(KeyType type, Timestamp now, const SecretBytes* passphrase,
                            RandomSource& random) {
  if (type == KeyType::kX25519) return MakeX25519(now, passphrase, random);
  TRY(const crypto::PrivateKey key, MakePemKey(type, random));
  const crypto::PublicKey public_key = crypto::PublicKeyOf(key);
  NewKey out;
  TRY(out.file, crypto::EncodePrivateKeyPem(key, passphrase));
  out.public_text = crypto::EncodePublicKeyPem(public_key);
  if (type != KeyType::kEd25519) {
    TRY(const std::unique_ptr<Recipient> recipient, RecipientOf(public_key));
    out.name = recipient->Name();
  }
  return out;
}

}  // namespace salus::seal
