#include "seal/pem_key.h"

#include "crypto/private_pem.h"
#include "seal/key_access.h"
#include "seal/ssh_private_key.h"

namespace salus::seal {

Result<crypto::PrivateKey> DecodePemKey(ByteSpan text, const PassphraseSource& ask) {
  TRY(const crypto::PrivatePem pem, crypto::DecodePrivatePem(text));
  const ByteSpan der = pem.der.view(KeyAccess::Token());
  if (pem.label == "PRIVATE KEY") return crypto::DecodePrivateKeyDer(der);
  if (pem.label == "OPENSSH PRIVATE KEY") return DecodeSshPrivateKey(der);
  if (pem.label == "RSA PRIVATE KEY") {
    TRY(crypto::RsaPrivateKey key, crypto::RsaPrivateKey::FromDer(der));
    return crypto::PrivateKey(std::move(key));
  }
  if (pem.label == "ENCRYPTED PRIVATE KEY") {
    TRY(const SecretBytes passphrase, ask());
    return crypto::DecodePrivateKeyPem(text, &passphrase);
  }
  if (pem.label == "EC PRIVATE KEY") {
    return InvalidArgument(
        "an EC key in its old form: write it anew with openssl pkcs8 -topk8 -nocrypt -in KEY -out "
        "NEW");
  }
  return InvalidArgument("a PEM file that holds no private key");
}

}  // namespace salus::seal
