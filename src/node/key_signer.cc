#include "node/key_signer.h"

#include "node/secret_access.h"
#include "pki/key_file.h"
#include "tlog/note.h"

namespace salus::node {

namespace {

Result<void> WriteRandomKey(const std::filesystem::path& path, RandomSource& random) {
  SecretBytes key(32);
  random.Fill(key.mutable_view(NodeSecrets::Token()));
  return pki::WriteKeyFile(path, key);
}

Result<SecretArray<32>> ReadKey32(const std::filesystem::path& path) {
  TRY(const SecretBytes bytes, pki::ReadKeyFile(path));
  if (bytes.size() != 32) {
    return InvalidArgument(path.filename().string() + " does not hold a key of 32 bytes");
  }
  return SecretArray<32>(bytes.view(NodeSecrets::Token()).first<32>());
}

Result<std::string> SignNote(const tlog::SignerKey& key, std::string_view body) {
  TRY(tlog::Note note, tlog::Note::Create(body));
  TRY(tlog::NoteSignature signature, key.Sign(body, Timestamp()));
  TRY_VOID(note.Add(std::move(signature)));
  return note.ToText();
}

}  // namespace

KeySigner::KeySigner(tlog::SignerKey log, tlog::SignerKey receipt, crypto::VrfPrivateKey vrf,
                     crypto::HmacSha256Key index)
    : log_(std::move(log)),
      receipt_(std::move(receipt)),
      vrf_(std::move(vrf)),
      index_(std::move(index)),
      checkpoint_vkey_(log_.verifier().ToText()),
      receipt_vkey_(receipt_.verifier().ToText()) {}

Result<void> KeySigner::Create(const std::filesystem::path& directory, const std::string& origin,
                               RandomSource& random) {
  for (const auto& [file, name] :
       {std::pair("log.key", origin), {"receipt.key", origin + "/receipts"}}) {
    TRY(const tlog::SignerKey key,
        tlog::SignerKey::Create(name, tlog::SignatureType::kEd25519,
                                crypto::Ed25519PrivateKey::Generate(random)));
    TRY_VOID(pki::WriteKeyFile(directory / file, key.ToText()));
  }
  TRY_VOID(WriteRandomKey(directory / "vrf.key", random));
  return WriteRandomKey(directory / "index.key", random);
}

Result<std::unique_ptr<KeySigner>> KeySigner::Open(const std::filesystem::path& directory) {
  TRY(const SecretBytes log_text, pki::ReadKeyFile(directory / "log.key"));
  TRY(tlog::SignerKey log, tlog::SignerKey::Parse(log_text));
  TRY(const SecretBytes receipt_text, pki::ReadKeyFile(directory / "receipt.key"));
  TRY(tlog::SignerKey receipt, tlog::SignerKey::Parse(receipt_text));
  TRY(const SecretArray<32> vrf, ReadKey32(directory / "vrf.key"));
  TRY(const SecretArray<32> index, ReadKey32(directory / "index.key"));
  return std::unique_ptr<KeySigner>(new KeySigner(std::move(log), std::move(receipt),
                                                  crypto::VrfPrivateKey::FromSeed(vrf),
                                                  crypto::HmacSha256Key(index)));
}

Result<std::string> KeySigner::SignCheckpoint(std::string_view body) const {
  return SignNote(log_, body);
}

Result<std::string> KeySigner::SignReceipt(std::string_view body) const {
  return SignNote(receipt_, body);
}

}  // namespace salus::node
