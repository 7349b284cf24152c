// Padding hides how long a plaintext is, up to 256 bytes: the last pair of its CBOR map, label 23,
// is a byte string of zeros that fills the whole up to a multiple of 256 bytes.
//
// Source: protocol.md P2.3.
// Shape:  label 23, then a byte string whose header and zeros take exactly what is left.
#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/cbor.h"

namespace salus::audit {

inline constexpr std::size_t kPaddingBlock = 256;
inline constexpr std::uint64_t kPaddingLabel = 23;

// WritePadding writes label and value; unpadded_size is what the map takes so far.
void WritePadding(codec::CborWriter& writer, std::size_t unpadded_size);
// ReadPadding reads the value behind the label. Errors: VerificationFailed when it is not all zero.
Result<void> ReadPadding(codec::CborReader& reader);

// EncodePadded is {1: content, 23: padding}, the plaintext of kinds 4 and 6; content is one CBOR
// item.
Bytes EncodePadded(ByteSpan content);
// DecodePadded returns a view of content. Errors: VerificationFailed.
Result<ByteSpan> DecodePadded(ByteSpan plaintext);

}  // namespace salus::audit
