// PEM private keys of all the forms in which people have them.
#pragma once

#include <functional>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/pkcs8.h"

namespace salus::seal {

// PassphraseSource asks for the passphrase of what a key file holds, when it needs one.
//
// Errors: its own: there is no terminal, or the user gave up.
using PassphraseSource = std::function<Result<SecretBytes>()>;

// DecodePemKey reads a private key.
//
// Source: RFC 7468: "PRIVATE KEY" and "ENCRYPTED PRIVATE KEY" (PKCS #8, as crypto/pkcs8.h),
//         "RSA PRIVATE KEY" (RFC 8017 appendix A.1.2), "OPENSSH PRIVATE KEY" (ssh_private_key.h).
// Shape:  exactly one block. P-256, Ed25519 or RSA.
// Errors: InvalidArgument for what is no such key; FailedPrecondition for one that is encrypted in
// a
//         form that is not read; VerificationFailed when the passphrase does not open it; those of
//         ask.
Result<crypto::PrivateKey> DecodePemKey(ByteSpan text, const PassphraseSource& ask);

}  // namespace salus::seal
