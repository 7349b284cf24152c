#include "seal/recipient_text.h"

#include <algorithm>

#include "codec/base64.h"
#include "codec/bech32.h"
#include "seal/p256_recipient.h"
#include "seal/secret_text.h"
#include "seal/ssh_recipient.h"
#include "seal/x25519_recipient.h"

namespace salus::seal {

namespace {

constexpr std::string_view kAge = "age1";
constexpr std::string_view kP256 = "p256:";
constexpr std::string_view kPlugin = "AGE-PLUGIN-";

// Prefixes of what OpenSSH calls its types of keys.
constexpr std::string_view kSshTypes[] = {"ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"};

bool IsSshText(std::string_view text) {
  return text.find_first_of(" \t") != std::string_view::npos &&
         std::any_of(std::begin(kSshTypes), std::end(kSshTypes),
                     [&](std::string_view type) { return text.starts_with(type); });
}

// NAME of age1NAME1..., which is what a plugin's recipients look like; empty for other texts.
std::string_view PluginOf(std::string_view text) {
  const std::size_t end = text.rfind('1');
  if (end <= kAge.size()) return {};
  const std::string_view name = text.substr(kAge.size(), end - kAge.size());
  const bool is_name = name.size() <= 40 && std::all_of(name.begin(), name.end(), [](char c) {
                         return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                       });
  return is_name ? name : std::string_view();
}

Result<std::unique_ptr<Recipient>> ParseAge(std::string_view text) {
  const auto decoded = codec::Bech32Decode(text);
  if (!decoded) return Error(decoded.error()).WithContext("not a recipient of age's");
  const std::string_view plugin = PluginOf(text);
  if (plugin == "pq" || plugin == "tagpq") {
    return InvalidArgument("a post-quantum recipient (age1" + std::string(plugin) +
                           "1...) needs ML-KEM, which no library of Debian 12 has");
  }
  if (plugin == "tag") {
    return InvalidArgument(
        "a tagged recipient (age1tag1...) is of a type that is not written "
        "here: give the P-256 key as a certificate, a JWK or in PEM");
  }
  if (!plugin.empty()) {
    return InvalidArgument("a recipient of the age plugin " + std::string(plugin) +
                           ": plugins are not run here");
  }
  if (decoded->prefix != "age" || decoded->bytes.size() != 32) {
    return InvalidArgument("not a recipient of age's: it has another length");
  }
  return std::make_unique<X25519Recipient>(ToArray(ByteSpan(decoded->bytes).first<32>()));
}

Result<std::unique_ptr<Recipient>> ParseP256(std::string_view text) {
  const auto point = codec::Base64UrlDecode(text.substr(kP256.size()));
  if (point && point->size() == 33) {
    if (auto key = crypto::P256PublicKey::FromSec1(*point)) {
      return std::make_unique<P256Recipient>(*std::move(key));
    }
  }
  return InvalidArgument("not a P-256 key: p256: is followed by a compressed point in base64url");
}

}  // namespace

bool IsRecipientText(std::string_view text) {
  // "age1.txt" and "ssh-team.pub" are files: a dot is in no key of age's, a space in every of
  // SSH's.
  const bool is_age = text.starts_with(kAge) && text.find_first_of("./") == std::string_view::npos;
  return is_age || text.starts_with(kP256) || text.starts_with(kPlugin) || IsSecretText(text) ||
         IsSshText(text);
}

Result<std::unique_ptr<Recipient>> ParseRecipientText(std::string_view text) {
  if (text.starts_with(kAge)) return ParseAge(text);
  if (text.starts_with(kP256)) return ParseP256(text);
  if (text.starts_with(kPlugin) || IsSecretText(text)) {
    return InvalidArgument(
        "a secret key (AGE-...) is no recipient: give the public key, which salus keygen -y FILE "
        "prints, and replace the key if others may have seen it");
  }
  if (IsSshText(text)) {
    TRY(SshPublicKey key, SshPublicKey::ParseLine(text));
    return std::make_unique<SshRecipient>(std::move(key));
  }
  return InvalidArgument("not a recipient: a line holds age1..., ssh-ed25519, ssh-rsa or p256:...");
}

}  // namespace salus::seal
