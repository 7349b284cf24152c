// CheckSealedForm is what a server asks of a text that it stores and can't open: that it can be one
// of the messages that devices seal to a P-256 key.
//
// Source: RFC 7516 section 3.1 (compact form), RFC 7518 sections 4.6 and 5.3.
// Shape:  header.wrapped-key.iv.ciphertext.tag: alg ECDH-ES+A256KW with an epk, enc A256GCM.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace salus::audit {

// Errors: InvalidArgument, with the member's name, when it is no such message or a longer one.
Result<void> CheckSealedForm(std::string_view member, std::string_view sealed,
                             std::size_t max_bytes);

}  // namespace salus::audit
