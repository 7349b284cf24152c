#include "seal/recipient_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "crypto/pkcs8.h"
#include "crypto/rsa.h"
#include "jose/jwk.h"
#include "pki/certificate.h"
#include "pki/descriptor.h"
#include "pki/pem.h"
#include "seal/key_access.h"
#include "seal/key_lines.h"
#include "seal/private_file.h"
#include "seal/recipient_key.h"
#include "seal/recipient_text.h"
#include "seal/secret_text.h"

namespace salus::seal {

namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{16} << 20;

Error OpenError(int number) {
  const std::string reason = std::generic_category().message(number);
  if (number == ENOENT || number == ENOTDIR) return NotFound("there is no such file");
  if (number == EACCES || number == EPERM) return PermissionDenied("it can't be read: " + reason);
  return Unavailable("it can't be read: " + reason);
}

// A file of private keys may be given by mistake.
Result<SecretBytes> ReadWhole(const std::string& path) {
  if (path == "-") return ReadWiped(STDIN_FILENO, kMaxFileBytes);
  const pki::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return OpenError(errno);
  return ReadWiped(file.get(), kMaxFileBytes);
}

Result<Recipients> OneOf(Result<std::unique_ptr<Recipient>> recipient) {
  if (!recipient) return std::move(recipient).error();
  Recipients out;
  out.push_back(*std::move(recipient));
  return out;
}

Result<Recipients> FromPem(std::string_view text, Timestamp now) {
  const std::string_view label = text.substr(0, text.find('\n'));
  if (label.find("PRIVATE KEY") != std::string_view::npos) {
    return InvalidArgument(
        "it is a private key: give the public key, which salus keygen -y FILE prints");
  }
  if (label.starts_with("-----BEGIN CERTIFICATE-----")) {
    TRY(const std::vector<pki::Certificate> chain, pki::Certificate::FromPemBundle(text));
    return RecipientsOf(chain, now);
  }
  if (label.starts_with("-----BEGIN RSA PUBLIC KEY-----")) {
    TRY(const std::vector<Bytes> blocks, pki::PemDecode("RSA PUBLIC KEY", text, 1));
    TRY(const crypto::RsaPublicKey key, crypto::RsaPublicKey::FromDer(blocks.front()));
    return OneOf(RecipientOf(key));
  }
  if (label.starts_with("-----BEGIN PUBLIC KEY-----")) {
    TRY(const crypto::PublicKey key, crypto::DecodePublicKeyPem(text));
    return OneOf(RecipientOf(key));
  }
  return InvalidArgument("it is a PEM file of neither a certificate nor a public key");
}

Result<Recipients> FromJson(std::string_view text) {
  TRY(codec::Json value, codec::ParseJson(text));
  if (value.is_object() && value.as_object().contains("keys")) {
    TRY(const jose::JwkSet set, jose::JwkSet::FromJson(std::move(value)));
    return RecipientsOf(set);
  }
  TRY(const jose::Jwk jwk, jose::Jwk::FromJson(std::move(value)));
  return OneOf(RecipientOf(jwk));
}

Result<Recipients> FromLines(std::string_view content) {
  Recipients out;
  TRY_VOID(ForEachKeyLine(content, [&](std::string_view line) -> Result<void> {
    TRY(std::unique_ptr<Recipient> recipient, ParseRecipientText(line));
    out.push_back(std::move(recipient));
    return {};
  }));
  if (out.empty()) return InvalidArgument("there is no key in it");
  return out;
}

Result<Recipients> FromDirectory(const std::string& path, Timestamp now) {
  const auto chain = ReadWhole(path + "/chain.pem");
  if (!chain && chain.error().code == ErrorCode::kNotFound) {
    return InvalidArgument(
        "the directory has no certificate (chain.pem): an identity gets it by salus identity "
        "certify");
  }
  if (!chain) return chain.error();
  return ParseRecipientsFile(AsText(chain->view(KeyAccess::Token())), now);
}

}  // namespace

Result<Recipients> ParseRecipientsFile(std::string_view content, Timestamp now) {
  // A DER SEQUENCE with a length of two bytes: no text begins like that.
  if (content.starts_with("\x30\x82")) {
    TRY(const pki::Certificate certificate, pki::Certificate::FromDer(AsBytes(content)));
    return RecipientsOf({&certificate, 1}, now);
  }
  const std::string_view text = Trimmed(content);
  if (text.starts_with("-----BEGIN ")) return FromPem(text, now);
  if (text.starts_with('{')) return FromJson(text);
  return FromLines(content);
}

Result<Recipients> ReadRecipientsFile(const std::string& path, Timestamp now) {
  TRY_VOID(RefuseSecretText(path));
  std::error_code ignored;
  Result<Recipients> out = [&]() -> Result<Recipients> {
    if (std::filesystem::is_directory(path, ignored)) return FromDirectory(path, now);
    TRY(const SecretBytes content, ReadWhole(path));
    return ParseRecipientsFile(AsText(content.view(KeyAccess::Token())), now);
  }();
  if (!out) return std::move(out).error().WithContext(path == "-" ? "standard input" : path);
  return out;
}

Result<Recipients> ParseRecipient(const std::string& given, Timestamp now) {
  TRY_VOID(RefuseSecretText(given));
  if (IsRecipientText(given)) return OneOf(ParseRecipientText(given));
  Result<Recipients> out = ReadRecipientsFile(given, now);
  if (!out && out.error().code == ErrorCode::kNotFound) {
    return NotFound(given +
                    ": neither a key (age1..., ssh-ed25519 ..., ssh-rsa ...) nor a file that is "
                    "there");
  }
  return out;
}

}  // namespace salus::seal
