// OpenSSH's own private key files.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/pkcs8.h"

namespace salus::seal {

// DecodeSshPrivateKey reads what stands in the "OPENSSH PRIVATE KEY" block of a file.
//
// Source: OpenSSH PROTOCOL.key (openssh-key-v1). Deviation: encrypted files are refused, because
// the
//         bcrypt_pbkdf that they need is in no library of Debian's.
// Shape:  one key of type ssh-ed25519 or ssh-rsa, nothing behind it.
// Errors: FailedPrecondition, with what to do, when the file is encrypted; InvalidArgument for
// other
//         types, and for what does not belong together.
Result<crypto::PrivateKey> DecodeSshPrivateKey(ByteSpan body);

}  // namespace salus::seal
