// Key files are the only place where a private key meets a disk.
//
// Source: PKCS #8 (RFC 5958) in PEM (RFC 7468); with a passphrase "ENCRYPTED PRIVATE KEY", PBES2.
// Shape:  a regular file of at most 64 KiB, mode 0600 (or 0400, as other programs write them),
// owned
//         by the user who runs the program.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "base/secret.h"
#include "crypto/pkcs8.h"

namespace salus::pki {

// WriteKeyFile makes a new file with mode 0600 and syncs it and its directory. It never overwrites.
//
// Errors: AlreadyExists; NotFound when the directory is missing; ResourceExhausted when the disk is
// full; Unavailable for other failures of the file system. A half-written file is removed.
Result<void> WriteKeyFile(const std::filesystem::path& path, const SecretBytes& content);

// ReadKeyFile refuses a file that others could have read or changed.
//
// Errors: NotFound; FailedPrecondition when it is no regular file, a symbolic link, owned by
// someone else, or readable or writable by group or others (says the chmod to run); InvalidArgument
// when it is empty or too large.
Result<SecretBytes> ReadKeyFile(const std::filesystem::path& path);

// WritePrivateKeyFile and ReadPrivateKeyFile do the same with a key, sealed under passphrase when
// there is one.
//
// Errors: as above; InvalidArgument when the content is no PKCS #8 key; FailedPrecondition when it
// needs a passphrase and none was given; VerificationFailed when the passphrase is wrong.
Result<void> WritePrivateKeyFile(const std::filesystem::path& path, const crypto::PrivateKey& key,
                                 const SecretBytes* passphrase = nullptr);
Result<crypto::PrivateKey> ReadPrivateKeyFile(const std::filesystem::path& path,
                                              const SecretBytes* passphrase = nullptr);

}  // namespace salus::pki
