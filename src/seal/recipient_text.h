// Recipients as people write them: one key on one line.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "seal/recipient.h"

namespace salus::seal {

// IsRecipientText says whether text is written as a key rather than as the name of a file.
bool IsRecipientText(std::string_view text);

// ParseRecipientText reads one key.
//
// Source: C2SP age.md ("age1..."), ssh_public_key.h ("ssh-ed25519 ...", "ssh-rsa ..."),
//         p256_recipient.h ("p256:...").
// Shape:  as Recipient::Name writes it, an SSH key also with a comment behind it.
// Errors: InvalidArgument. Types of age that are not written here (post-quantum, tagged, plugins)
//         and secret keys are refused by name; the text itself is never repeated.
Result<std::unique_ptr<Recipient>> ParseRecipientText(std::string_view text);

}  // namespace salus::seal
