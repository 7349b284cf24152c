#include "seal/own_keys.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "codec/bech32.h"
#include "codec/json.h"
#include "jose/jwk.h"
#include "seal/age_file.h"
#include "seal/key_access.h"
#include "seal/key_lines.h"
#include "seal/p256_recipient.h"
#include "seal/private_file.h"
#include "seal/scrypt_recipient.h"
#include "seal/secret_text.h"
#include "seal/ssh_recipient.h"
#include "seal/x25519_recipient.h"

namespace salus::seal {

namespace {

constexpr std::size_t kMaxContentBytes = 65'536;
constexpr std::string_view kAgeSecret = "AGE-SECRET-KEY-1";
constexpr std::string_view kAgePostQuantum = "AGE-SECRET-KEY-PQ-1";
constexpr std::string_view kAgePlugin = "AGE-PLUGIN-";
constexpr std::string_view kArmorLine = "-----BEGIN AGE ENCRYPTED FILE-----";

// SecretSink keeps what it is given in memory that is wiped.
class SecretSink final : public ByteSink {
 public:
  Result<void> Write(ByteSpan bytes) override {
    const MutableByteSpan room = content_.mutable_view(KeyAccess::Token()).subspan(size_);
    if (bytes.size() > room.size()) return InvalidArgument("a file of keys of more than 64 KiB");
    std::copy(bytes.begin(), bytes.end(), room.begin());
    size_ += bytes.size();
    return {};
  }
  ByteSpan content() const { return content_.view(KeyAccess::Token()).first(size_); }

 private:
  SecretBytes content_{kMaxContentBytes};
  std::size_t size_ = 0;
};

Error WrongPassphrase() {
  // Mistyped by its owner; nobody's forgery.
  return FailedPrecondition("the passphrase does not open the key");
}

Result<void> OpenSealed(ByteSpan content, const PassphraseSource& ask, SecretSink& out) {
  MemorySource source(content);
  TRY(const std::unique_ptr<AgeOpener> opener, AgeOpener::Start(source));
  if (!opener->header().Has("scrypt")) {
    return InvalidArgument(
        "the file of keys is sealed to other keys, not with a passphrase: open it first");
  }
  TRY(SecretBytes passphrase, ask());
  Identities identities;
  identities.push_back(std::make_unique<ScryptIdentity>(std::move(passphrase)));
  const Result<std::size_t> unlocked = opener->Unlock(identities);
  if (!unlocked && unlocked.error().code == ErrorCode::kFailedPrecondition) {
    return WrongPassphrase();
  }
  if (!unlocked) return unlocked.error();
  return opener->OpenAll(out);
}

// NAME of AGE-PLUGIN-NAME-1..., in the case in which its program is called.
std::string PluginOf(std::string_view line) {
  std::string name;
  for (const char c : line.substr(kAgePlugin.size(), line.rfind("-1") - kAgePlugin.size())) {
    const bool is_letter = c >= 'A' && c <= 'Z';
    if (!is_letter && c != '-' && (c < '0' || c > '9')) return "";
    name += is_letter ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return name.size() <= 40 ? name : "";
}

Result<crypto::X25519PrivateKey> ParseAgeLine(std::string_view line) {
  if (line.starts_with(kAgeSecret)) {
    SecretArray<32> bytes;
    const auto size =
        codec::Bech32DecodeInto("age-secret-key-", line, bytes.mutable_view(KeyAccess::Token()));
    if (!size) return Error(size.error()).WithContext("not a secret key of age's");
    if (*size != 32) return InvalidArgument("not a secret key of age's: it has another length");
    return crypto::X25519PrivateKey::FromBytes(bytes);
  }
  if (line.starts_with(kAgePostQuantum)) {
    return InvalidArgument(
        "a post-quantum key (AGE-SECRET-KEY-PQ-1...) needs ML-KEM, which no library of Debian 12 "
        "has");
  }
  if (line.starts_with(kAgePlugin)) {
    return InvalidArgument("a key of the age plugin " + PluginOf(line) +
                           ": plugins are not run here");
  }
  if (line.starts_with("age1") || line.starts_with("ssh-")) {
    return InvalidArgument("a public key opens nothing: give the file of the private key");
  }
  return InvalidArgument("not a secret key: a line holds AGE-SECRET-KEY-1...");
}

bool MayDecrypt(const jose::Jwk& jwk) {
  using jose::KeyManagement;
  const KeyManagement algorithms[] = {KeyManagement::kEcdhEs, KeyManagement::kEcdhEsA128Kw,
                                      KeyManagement::kEcdhEsA256Kw, KeyManagement::kRsaOaep256,
                                      KeyManagement::kRsaOaep};
  return std::any_of(std::begin(algorithms), std::end(algorithms), [&](KeyManagement algorithm) {
    return jwk.ForDecrypting(algorithm).has_value();
  });
}

crypto::PublicKey PublicOf(const OwnKeys::Key& key) {
  if (const auto* p256 = std::get_if<crypto::P256PrivateKey>(&key)) return p256->public_key();
  if (const auto* rsa = std::get_if<crypto::RsaPrivateKey>(&key)) return rsa->public_key();
  return std::get<crypto::Ed25519PrivateKey>(key).public_key();
}

SshPublicKey SshOf(const OwnKeys::Key& key) {
  if (const auto* rsa = std::get_if<crypto::RsaPrivateKey>(&key)) {
    return SshPublicKey(rsa->public_key());
  }
  return SshPublicKey(std::get<crypto::Ed25519PrivateKey>(key).public_key());
}

OwnKeys::Key KeyOf(crypto::PrivateKey key) {
  return std::visit([](auto& one) { return OwnKeys::Key(std::move(one)); }, key);
}

}  // namespace

Result<OwnKeys> OwnKeys::FromPem(ByteSpan content, const PassphraseSource& ask) {
  auto key = DecodePemKey(content, ask);
  if (!key && key.error().code == ErrorCode::kVerificationFailed) return WrongPassphrase();
  if (!key) return std::move(key).error();
  const bool is_ssh = AsText(content).find("-----BEGIN OPENSSH ") != std::string_view::npos;
  OwnKeys out(is_ssh ? Form::kSsh : Form::kPem);
  out.keys_.push_back(KeyOf(*std::move(key)));
  return out;
}

Result<OwnKeys> OwnKeys::FromJwk(std::string_view text) {
  TRY(const jose::Jwk jwk, jose::Jwk::Parse(text));
  OwnKeys out(Form::kJwk);
  if (const auto* x25519 = std::get_if<crypto::X25519PrivateKey>(&jwk.material())) {
    out.keys_.emplace_back(crypto::X25519PrivateKey::FromBytes(x25519->bytes()));
  } else if (const auto* p256 = std::get_if<crypto::P256PrivateKey>(&jwk.material())) {
    out.keys_.emplace_back(p256->Clone());
  } else if (const auto* ed25519 = std::get_if<crypto::Ed25519PrivateKey>(&jwk.material())) {
    out.keys_.emplace_back(ed25519->Clone());
  } else if (const auto* rsa = std::get_if<crypto::RsaPrivateKey>(&jwk.material())) {
    out.keys_.emplace_back(rsa->Clone());
  } else {
    return InvalidArgument("the JWK is not a private key");
  }
  out.only_signs_ = !MayDecrypt(jwk);
  TRY(const codec::Json json, jwk.PublicJson());
  out.public_jwk_ = codec::WriteJson(json);
  return out;
}

Result<OwnKeys> OwnKeys::FromLines(std::string_view content) {
  OwnKeys out(Form::kAge);
  TRY_VOID(ForEachKeyLine(content, [&](std::string_view line) -> Result<void> {
    TRY(crypto::X25519PrivateKey key, ParseAgeLine(line));
    out.keys_.emplace_back(std::move(key));
    return {};
  }));
  if (out.keys_.empty()) return InvalidArgument("there is no private key in it");
  return out;
}

Result<OwnKeys> OwnKeys::ParseOpen(ByteSpan content, const PassphraseSource& ask) {
  const std::string_view text = Trimmed(AsText(content));
  if (text.starts_with("-----BEGIN ")) return FromPem(AsBytes(text), ask);
  if (text.starts_with('{')) return FromJwk(text);
  return FromLines(AsText(content));
}

Result<OwnKeys> OwnKeys::Parse(ByteSpan content, const PassphraseSource& ask) {
  const std::string_view text = AsText(content);
  if (!text.starts_with(kAgeVersionLine) && !Trimmed(text).starts_with(kArmorLine)) {
    return ParseOpen(content, ask);
  }
  SecretSink opened;
  TRY_VOID(OpenSealed(content, ask, opened));
  return ParseOpen(opened.content(), ask);
}

Result<OwnKeys> OwnKeys::Read(const std::string& path, const PassphraseSource& ask) {
  TRY_VOID(RefuseSecretText(path));
  std::error_code ignored;
  const bool is_directory = std::filesystem::is_directory(path, ignored);
  const std::string file = is_directory ? path + "/encrypt.key" : path;
  Result<OwnKeys> out = [&]() -> Result<OwnKeys> {
    TRY(const SecretBytes content, ReadPrivateFile(file));
    return Parse(content.view(KeyAccess::Token()), ask);
  }();
  if (!out) return std::move(out).error().WithContext(file == "-" ? "standard input" : file);
  return out;
}

Result<Identities> OwnKeys::ToIdentities() && {
  Identities out;
  for (Key& key : keys_) {
    const bool is_ed25519 = std::holds_alternative<crypto::Ed25519PrivateKey>(key);
    if (only_signs_ || (is_ed25519 && form_ != Form::kSsh)) {
      return InvalidArgument("the key is for signing: nothing is sealed to it");
    }
    if (auto* x25519 = std::get_if<crypto::X25519PrivateKey>(&key)) {
      out.push_back(std::make_unique<X25519Identity>(std::move(*x25519)));
    } else if (auto* p256 = std::get_if<crypto::P256PrivateKey>(&key)) {
      out.push_back(std::make_unique<P256Identity>(std::move(*p256)));
    } else if (auto* rsa = std::get_if<crypto::RsaPrivateKey>(&key)) {
      out.push_back(std::make_unique<SshIdentity>(std::move(*rsa)));
    } else {
      out.push_back(
          std::make_unique<SshIdentity>(std::move(std::get<crypto::Ed25519PrivateKey>(key))));
    }
  }
  return out;
}

std::string OwnKeys::PublicText() const {
  std::string out;
  for (const Key& key : keys_) {
    switch (form_) {
      case Form::kAge:
        out += X25519Recipient(std::get<crypto::X25519PrivateKey>(key).public_key()).Name() + "\n";
        break;
      case Form::kSsh:
        out += SshOf(key).ToText() + "\n";
        break;
      case Form::kPem:
        out += crypto::EncodePublicKeyPem(PublicOf(key));
        break;
      case Form::kJwk:
        out += public_jwk_ + "\n";
        break;
    }
  }
  return out;
}

Result<Identities> ReadIdentityFile(const std::string& path, const PassphraseSource& ask) {
  TRY(OwnKeys keys, OwnKeys::Read(path, ask));
  Result<Identities> out = std::move(keys).ToIdentities();
  if (!out) return std::move(out).error().WithContext(path == "-" ? "standard input" : path);
  return out;
}

}  // namespace salus::seal
