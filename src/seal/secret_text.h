// Secret keys where the name of a file, or a public key, should stand.
#pragma once

#include <string_view>

#include "base/result.h"

namespace salus::seal {

// IsSecretText says whether text is, or holds, a secret key as its file would: somebody has given
// the key itself. It must not be repeated, not even as the name of a file that is missing.
//
// Source: C2SP age.md ("AGE-SECRET-KEY-1...", in either case), RFC 7468 ("PRIVATE KEY" in PEM),
//         RFC 7517 (a JWK with "d" or "k").
// Shape:  any text; what has a dot or a slash behind age's prefix is the name of a file.
bool IsSecretText(std::string_view text);

// RefuseSecretText stands in front of whatever takes the name of a file or a key from a command
// line.
//
// Errors: InvalidArgument when it is secret, with what to do now, and without the text.
Result<void> RefuseSecretText(std::string_view given);

}  // namespace salus::seal
