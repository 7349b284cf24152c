// Bech32 text: bytes under a readable prefix, with a checksum that finds what hands mistype.
//
// Source: BIP 173, "Bech32". Deviation: no limit of 90 characters, as age v1 (C2SP age.md) uses it,
//         so that longer texts are found wrong less surely.
// Shape:  prefix of 1 or more characters 33 to 126, '1', 5 bits a character, 6 characters of
//         checksum; lower case or upper case, never both. The data are whole bytes, the unused bits
//         at their end zero and fewer than five.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::codec {

// Bech32Size is the length of the text of n bytes.
constexpr std::size_t Bech32Size(std::size_t prefix_size, std::size_t n) {
  return prefix_size + 1 + (n * 8 + 4) / 5 + 6;
}

// Bech32Encode writes the text in the case of prefix, whose letters all have one.
std::string Bech32Encode(std::string_view prefix, ByteSpan bytes);

// Bech32EncodeInto writes the same at out, for secrets; out has Bech32Size bytes.
void Bech32EncodeInto(std::string_view prefix, ByteSpan bytes, MutableByteSpan out);

// Bech32Text is what a text says.
struct Bech32Text {
  std::string prefix;  // in lower case
  Bytes bytes;
};

// Bech32Decode reads a text that is not secret, of either case.
//
// Errors: InvalidArgument says what is wrong, never the text.
Result<Bech32Text> Bech32Decode(std::string_view text);

// Bech32DecodeInto reads a text with this prefix (in lower case) without a buffer of its own, for
// secrets: out may be a SecretBytes. Returns the number of bytes written.
//
// Errors: as Bech32Decode; InvalidArgument for another prefix, or when out is too small.
Result<std::size_t> Bech32DecodeInto(std::string_view prefix, std::string_view text,
                                     MutableByteSpan out);

}  // namespace salus::codec
