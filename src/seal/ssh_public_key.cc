#include "seal/ssh_public_key.h"

#include <algorithm>
#include <array>

#include "codec/base64.h"
#include "seal/ssh_wire.h"

namespace salus::seal {

namespace {

constexpr std::string_view kEd25519 = "ssh-ed25519";
constexpr std::string_view kRsa = "ssh-rsa";

// Types of keys that OpenSSH has and that only sign.
constexpr std::array kSigningTypes = {
    std::string_view("ssh-dss"),
    std::string_view("ecdsa-sha2-nistp256"),
    std::string_view("ecdsa-sha2-nistp384"),
    std::string_view("ecdsa-sha2-nistp521"),
    std::string_view("sk-ssh-ed25519@openssh.com"),
    std::string_view("sk-ecdsa-sha2-nistp256@openssh.com"),
    std::string_view("ssh-ed25519-cert-v01@openssh.com"),
    std::string_view("ssh-rsa-cert-v01@openssh.com"),
};

Error UnknownType(std::string_view type) {
  if (std::find(kSigningTypes.begin(), kSigningTypes.end(), type) != kSigningTypes.end()) {
    return InvalidArgument("an SSH key of type " + std::string(type) +
                           " can't be sealed to: give one of type ssh-ed25519 or ssh-rsa");
  }
  return InvalidArgument("not an SSH public key of type ssh-ed25519 or ssh-rsa");
}

Bytes WireOf(const crypto::Ed25519PublicKey& key) {
  Bytes wire;
  AppendSshString(wire, AsBytes(kEd25519));
  AppendSshString(wire, key.bytes());
  return wire;
}

Bytes WireOf(const crypto::RsaPublicKey& key) {
  const crypto::RsaPublicComponents numbers = key.components();
  Bytes wire;
  AppendSshString(wire, AsBytes(kRsa));
  AppendSshInteger(wire, numbers.e);
  AppendSshInteger(wire, numbers.n);
  return wire;
}

Result<SshPublicKey::Key> ReadKey(ByteSpan wire) {
  SshReader reader(wire);
  TRY(const ByteSpan type, reader.String());
  if (AsText(type) == kEd25519) {
    TRY(const ByteSpan point, reader.String());
    TRY(crypto::Ed25519PublicKey key, crypto::Ed25519PublicKey::FromBytes(point));
    return SshPublicKey::Key(key);
  }
  if (AsText(type) == kRsa) {
    TRY(const ByteSpan e, reader.PositiveInteger());
    TRY(const ByteSpan n, reader.PositiveInteger());
    TRY(crypto::RsaPublicKey key, crypto::RsaPublicKey::FromComponents({ToBytes(n), ToBytes(e)}));
    return SshPublicKey::Key(std::move(key));
  }
  return UnknownType(AsText(type));
}

}  // namespace

SshPublicKey::SshPublicKey(Key key)
    : key_(std::move(key)), wire_(std::visit([](const auto& one) { return WireOf(one); }, key_)) {}

Result<SshPublicKey> SshPublicKey::FromWire(ByteSpan wire) {
  TRY(Key key, ReadKey(wire));
  SshPublicKey out(std::move(key));
  // Also finds what stands behind the last field.
  if (!Equal(out.wire_, wire)) {
    return InvalidArgument("the SSH key is not in its one encoding");
  }
  return out;
}

Result<SshPublicKey> SshPublicKey::ParseLine(std::string_view line) {
  const std::string_view type = line.substr(0, line.find_first_of(" \t"));
  if (type != kEd25519 && type != kRsa) return UnknownType(type);
  const std::size_t start = line.find_first_not_of(" \t", type.size());
  if (start == std::string_view::npos) return InvalidArgument("the SSH key is cut off");
  const std::string_view rest = line.substr(start);
  const auto wire = codec::Base64Decode(rest.substr(0, rest.find_first_of(" \t\r\n")));
  if (!wire) return InvalidArgument("the SSH key is cut off or garbled");
  TRY(SshPublicKey key, FromWire(*wire));
  if (key.type() != type) return InvalidArgument("the SSH key is not of the type that it names");
  return key;
}

std::string_view SshPublicKey::type() const {
  return std::holds_alternative<crypto::RsaPublicKey>(key_) ? kRsa : kEd25519;
}

std::string SshPublicKey::ToText() const {
  return std::string(type()) + " " + codec::Base64Encode(wire_);
}

}  // namespace salus::seal
