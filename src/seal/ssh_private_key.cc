#include "seal/ssh_private_key.h"

#include "seal/key_access.h"
#include "seal/ssh_public_key.h"
#include "seal/ssh_wire.h"

namespace salus::seal {

namespace {

constexpr std::string_view kMagic{"openssh-key-v1\0", 15};
constexpr std::size_t kMaxPadding = 255;

Error Garbled() { return InvalidArgument("the SSH private key is cut off or garbled"); }

Result<crypto::PrivateKey> ReadEd25519(SshReader& reader) {
  TRY(const ByteSpan point, reader.String());
  TRY(const ByteSpan seed_and_point, reader.String());
  if (point.size() != 32 || seed_and_point.size() != 64) return Garbled();
  auto key = crypto::Ed25519PrivateKey::FromSeed(SecretArray<32>(seed_and_point.first<32>()));
  if (!Equal(key.public_key().bytes(), point) || !Equal(seed_and_point.last(32), point)) {
    return InvalidArgument("the two halves of the SSH key do not belong together");
  }
  return crypto::PrivateKey(std::move(key));
}

Result<crypto::PrivateKey> ReadRsa(SshReader& reader) {
  crypto::RsaPrivateComponents parts;
  TRY(const ByteSpan n, reader.PositiveInteger());
  TRY(const ByteSpan e, reader.PositiveInteger());
  parts.n = ToBytes(n);
  parts.e = ToBytes(e);
  for (SecretBytes* const number : {&parts.d, &parts.qi, &parts.p, &parts.q}) {
    TRY(const ByteSpan bytes, reader.PositiveInteger());
    *number = SecretBytes(bytes);
  }
  TRY(crypto::RsaPrivateKey key, crypto::RsaPrivateKey::FromPrimes(std::move(parts)));
  return crypto::PrivateKey(std::move(key));
}

// The private part: two equal numbers, key, comment, and 1, 2, 3... up to a whole block.
Result<crypto::PrivateKey> ReadPrivatePart(ByteSpan bytes, const SshPublicKey& stated) {
  SshReader reader(bytes);
  TRY(const std::uint32_t check, reader.Number());
  TRY(const std::uint32_t again, reader.Number());
  TRY(const ByteSpan type, reader.String());
  if (check != again || AsText(type) != stated.type()) return Garbled();
  const bool is_rsa = std::holds_alternative<crypto::RsaPublicKey>(stated.key());
  TRY(crypto::PrivateKey key, is_rsa ? ReadRsa(reader) : ReadEd25519(reader));
  TRY_VOID(reader.String());
  const ByteSpan padding = reader.rest();
  if (padding.size() > kMaxPadding) return Garbled();
  for (std::size_t i = 0; i < padding.size(); ++i) {
    if (padding[i] != static_cast<std::uint8_t>(i + 1)) return Garbled();
  }
  if (crypto::EncodePublicKeyDer(crypto::PublicKeyOf(key)) !=
      std::visit([](const auto& one) { return crypto::EncodePublicKeyDer(one); }, stated.key())) {
    return InvalidArgument("the two halves of the SSH key do not belong together");
  }
  return key;
}

}  // namespace

Result<crypto::PrivateKey> DecodeSshPrivateKey(ByteSpan body) {
  if (!AsText(body).starts_with(kMagic)) return Garbled();
  SshReader reader(body.subspan(kMagic.size()));
  TRY(const ByteSpan cipher, reader.String());
  TRY(const ByteSpan kdf, reader.String());
  TRY(const ByteSpan kdf_options, reader.String());
  TRY(const std::uint32_t count, reader.Number());
  if (count != 1) return InvalidArgument("the SSH file does not hold exactly one key");
  TRY(const ByteSpan public_wire, reader.String());
  TRY(const SshPublicKey stated, SshPublicKey::FromWire(public_wire));
  if (AsText(cipher) != "none" || AsText(kdf) != "none") {
    return FailedPrecondition(
        "the SSH key has a passphrase, in a form that is not read here (bcrypt_pbkdf): take the "
        "passphrase off a copy, with cp KEY COPY and ssh-keygen -p -N \"\" -f COPY, use the copy, "
        "and delete it");
  }
  TRY(const ByteSpan private_part, reader.String());
  if (!kdf_options.empty() || !reader.rest().empty()) return Garbled();
  return ReadPrivatePart(private_part, stated);
}

}  // namespace salus::seal
