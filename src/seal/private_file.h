// Files that hold private keys, or turn out to, read into memory that is wiped.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace salus::seal {

// ReadWiped reads a descriptor to its end; every buffer that the bytes were in is wiped.
//
// Errors: InvalidArgument when there are more than limit_bytes; Unavailable.
Result<SecretBytes> ReadWiped(int descriptor, std::size_t limit_bytes);

// ReadPrivateFile reads a private key from where people keep theirs: the standard input ("-") and
// pipes as they are; a file, also by a symbolic link, when nobody else can read it.
//
// Source: what users of age expect of -i; pki/key_file.h for the file itself.
// Shape:  at most 64 KiB.
// Errors: as pki::ReadKeyFile; InvalidArgument when others can read it and it is a public key.
Result<SecretBytes> ReadPrivateFile(const std::string& path);

}  // namespace salus::seal
