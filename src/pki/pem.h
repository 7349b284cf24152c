// PEM framing for public objects. Private keys go through crypto/pkcs8.h, which wipes.
//
// Source: RFC 7468 section 3, strict form: no headers, no text between the blocks.
// Shape:  lines of 64 characters written; read with LF or CRLF and lines of any length.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::pki {

std::string PemEncode(std::string_view label, ByteSpan der);

// PemDecode returns the blocks of text, which must all have label.
//
// Errors: InvalidArgument when there is none, more than max_blocks, another label, text beside the
// blocks, or base64 that is not canonical.
Result<std::vector<Bytes>> PemDecode(std::string_view label, std::string_view text,
                                     std::size_t max_blocks);

// PemBlocks is what of text stands in blocks of label, as PemDecode reads it: for files of others,
// who write explanations and other blocks beside them. The last block may be unfinished.
std::string PemBlocks(std::string_view label, std::string_view text);

}  // namespace salus::pki
