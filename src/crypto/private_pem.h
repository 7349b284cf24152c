// PrivatePem is one PEM block of a file that may be a private key, in memory that is wiped.
//
// Source: RFC 7468 section 3: no text beside the block. Deviation: lines of up to 254 characters,
// as
//         ssh-keygen writes 70.
// Shape:  at most 32 KiB of text; whitespace around the block is let pass.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::crypto {

struct PrivatePem {
  std::string label;  // "PRIVATE KEY", "OPENSSH PRIVATE KEY"
  SecretBytes der;    // what is inside; no DER under OpenSSH's label
};

// Errors: InvalidArgument unless text is exactly one block; FailedPrecondition when the block is
// encrypted under headers of its own (RFC 1421), whose key comes from one round of MD5.
Result<PrivatePem> DecodePrivatePem(ByteSpan text);

// EncodePrivatePem writes the block. label ends with no NUL inside.
SecretBytes EncodePrivatePem(const std::string& label, ByteSpan der);

}  // namespace salus::crypto
