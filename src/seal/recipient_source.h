// Recipients from the command line and from files, whatever form their keys have.
//
// Source: docs/formats/seal-keys.md.
// Shape:  a file of at most 16 MiB: certificates (PEM, one DER), a public key (PEM), a JWK or a set
//         of them, or a list with one key a line (recipient_text.h), where empty lines and lines
//         that begin with # are passed over. "-" is the standard input. The directory of a Salus
//         identity stands for its certificate.
// Errors: InvalidArgument names file and line, never what stands there, and a secret key that was
//         given itself (secret_text.h) not at all. NotFound, PermissionDenied,
//         Unavailable for the file itself.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "seal/recipient.h"

namespace salus::seal {

// ParseRecipient takes a key as text, or the name of a file.
//
// Errors: NotFound when it is neither.
Result<Recipients> ParseRecipient(const std::string& given, Timestamp now);

// ReadRecipientsFile takes the name of a file only.
Result<Recipients> ReadRecipientsFile(const std::string& path, Timestamp now);

// ParseRecipientsFile is what ReadRecipientsFile makes of the content.
Result<Recipients> ParseRecipientsFile(std::string_view content, Timestamp now);

}  // namespace salus::seal
