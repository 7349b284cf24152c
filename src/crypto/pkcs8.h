// Keys in files: PKCS#8 for private keys, SubjectPublicKeyInfo for public ones, DER or PEM.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/ed25519.h"
#include "crypto/p256.h"
#include "crypto/rsa.h"

namespace salus::crypto {

using PrivateKey = std::variant<P256PrivateKey, Ed25519PrivateKey, RsaPrivateKey>;
using PublicKey = std::variant<P256PublicKey, Ed25519PublicKey, RsaPublicKey>;

// EncodePrivateKeyDer and its inverse: an unencrypted PKCS#8 OneAsymmetricKey version 0.
//
// Source: RFC 5958; P-256 RFC 5915, Ed25519 RFC 8410, RSA RFC 8017.
// Shape:  DER, nothing behind it; P-256 by curve name only, explicit parameters are refused.
// Errors: InvalidArgument for all that is not such a key, or a key that its class refuses.
Result<SecretBytes> EncodePrivateKeyDer(const PrivateKey& key);
Result<PrivateKey> DecodePrivateKeyDer(ByteSpan der);

// EncodePrivateKeyPem writes one "PRIVATE KEY" block, or, with a passphrase, "ENCRYPTED PRIVATE
// KEY": PBES2 with AES-256-CBC and scrypt (N = 2^14, r = 8, p = 1).
//
// Source: RFC 7468, RFC 5958, RFC 8018, RFC 7914.
// Errors: InvalidArgument for an empty passphrase.
Result<SecretBytes> EncodePrivateKeyPem(const PrivateKey& key,
                                        const SecretBytes* passphrase = nullptr);

// DecodePrivateKeyPem reads exactly one block of either kind (also PBES2 with PBKDF2), at most
// 32 KiB.
//
// Errors: InvalidArgument for a malformed file; FailedPrecondition when it is encrypted and no
//         passphrase is given; VerificationFailed when the passphrase does not open it.
Result<PrivateKey> DecodePrivateKeyPem(ByteSpan pem, const SecretBytes* passphrase = nullptr);

// EncodePublicKeyDer and its inverse: SubjectPublicKeyInfo.
//
// Source: RFC 5280 section 4.1.2.7, RFC 5480, RFC 8410, RFC 8017.
// Shape:  the one DER form: points uncompressed, curve by name, RSA parameters NULL.
// Errors: InvalidArgument.
Bytes EncodePublicKeyDer(const PublicKey& key);
Result<PublicKey> DecodePublicKeyDer(ByteSpan der);
std::string EncodePublicKeyPem(const PublicKey& key);
Result<PublicKey> DecodePublicKeyPem(std::string_view pem);

PublicKey PublicKeyOf(const PrivateKey& key);

}  // namespace salus::crypto
