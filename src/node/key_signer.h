// KeySigner is audit::Signer over key files: DIR/keys/{log,receipt,vrf,index}.key, mode 0600.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "audit/signer.h"
#include "base/random.h"
#include "base/secret.h"
#include "crypto/vrf.h"
#include "tlog/signer_key.h"

namespace salus::node {

class KeySigner final : public audit::Signer {
 public:
  // Create makes the four keys in an existing directory.
  static Result<void> Create(const std::filesystem::path& directory, const std::string& origin,
                             RandomSource& random);
  // Errors: as pki::ReadKeyFile.
  static Result<std::unique_ptr<KeySigner>> Open(const std::filesystem::path& directory);

  Result<std::string> SignCheckpoint(std::string_view body) const override;
  Result<std::string> SignReceipt(std::string_view body) const override;
  const std::string& checkpoint_vkey() const override { return checkpoint_vkey_; }
  const std::string& receipt_vkey() const override { return receipt_vkey_; }
  crypto::VrfProof ProveSubject(ByteSpan alpha) const override { return vrf_.Prove(alpha); }
  crypto::VrfPublicKey vrf_key() const override { return vrf_.public_key(); }
  const crypto::HmacSha256Key& index_key() const override { return index_; }

 private:
  KeySigner(tlog::SignerKey log, tlog::SignerKey receipt, crypto::VrfPrivateKey vrf,
            crypto::HmacSha256Key index);

  tlog::SignerKey log_;
  tlog::SignerKey receipt_;
  crypto::VrfPrivateKey vrf_;
  crypto::HmacSha256Key index_;
  std::string checkpoint_vkey_;
  std::string receipt_vkey_;
};

}  // namespace salus::node
