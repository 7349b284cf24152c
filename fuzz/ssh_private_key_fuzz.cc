// What is read from an OpenSSH file is a whole key whose public half the file states.
#include "seal/ssh_private_key.h"

#include <variant>

#include "base/check.h"
#include "seal/key_access.h"
#include "seal/ssh_public_key.h"

namespace {

using salus::seal::SshPublicKey;

SshPublicKey PublicOf(const salus::crypto::PrivateKey& key) {
  if (const auto* rsa = std::get_if<salus::crypto::RsaPrivateKey>(&key)) {
    return SshPublicKey(rsa->public_key());
  }
  return SshPublicKey(std::get<salus::crypto::Ed25519PrivateKey>(key).public_key());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const salus::ByteSpan input(data, size);
  const auto key = salus::seal::DecodeSshPrivateKey(input);
  if (!key) return 0;
  const salus::Bytes wire = PublicOf(*key).wire();
  CHECK(salus::AsText(input).find(salus::AsText(wire)) != std::string_view::npos);
  const auto der = salus::crypto::EncodePrivateKeyDer(*key);
  CHECK(der.has_value());
  const auto again = salus::crypto::DecodePrivateKeyDer(der->view(salus::seal::KeyAccess::Token()));
  CHECK(again.has_value());
  CHECK(PublicOf(*again).wire() == wire);
  return 0;
}
