// Passphrases, as they are typed or stand in a file.
#pragma once

#include "base/result.h"
#include "base/secret.h"

namespace salus::cli {

// AskPassphrase asks on the terminal itself, so that it works with the standard streams redirected.
// A signal that ends or stops the program meanwhile finds the terminal as it was before; after a
// stop it asks again.
//
// Errors: FailedPrecondition where there is no terminal; Unavailable when a signal came that
// StopSignals has noted; as ReadSecretLine.
Result<SecretBytes> AskPassphrase(const char* prompt);

// AskHidden asks so for something else. what is its name in messages, instead what to do where
// there is no terminal.
//
// Errors: as AskPassphrase.
Result<SecretBytes> AskHidden(const char* prompt, const char* what, const char* instead);

// ReadSecretLine reads one line into memory that is wiped.
//
// Errors: InvalidArgument when it is empty, or longer than limit_bytes: what is cut off would be
// missed by nobody.
Result<SecretBytes> ReadSecretLine(int descriptor, std::size_t limit_bytes,
                                   const char* what = "the passphrase");

}  // namespace salus::cli
