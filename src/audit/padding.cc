#include "audit/padding.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace salus::audit {

namespace {

// A padding of exactly `gap` bytes needs a header that fits: gaps of 1 and 26 can't be made,
// because a byte string's header grows at 24.
std::size_t PaddingContent(std::size_t unpadded_size) {
  std::size_t gap = kPaddingBlock - unpadded_size % kPaddingBlock;
  if (gap < 2 || gap == 26) gap += kPaddingBlock;
  if (gap <= 25) return gap - 2;
  if (gap <= 258) return gap - 3;
  return gap - 4;
}

Error Bad() { return VerificationFailed("the plaintext is not padded as it must be"); }

Result<ByteSpan> ReadPadded(ByteSpan plaintext) {
  codec::CborReader reader(plaintext);
  TRY_VOID(reader.MapOf(2));
  TRY(const std::uint64_t first, reader.Uint());
  TRY(const ByteSpan content, reader.Item());
  TRY(const std::uint64_t second, reader.Uint());
  if (first != 1 || second != kPaddingLabel) return Bad();
  TRY_VOID(ReadPadding(reader));
  TRY_VOID(reader.Finish());
  return content;
}

}  // namespace

void WritePadding(codec::CborWriter& writer, std::size_t unpadded_size) {
  static constexpr std::array<std::uint8_t, 2 * kPaddingBlock> kZeros{};
  writer.Uint(kPaddingLabel);
  writer.ByteString(ByteSpan(kZeros).first(PaddingContent(unpadded_size)));
}

Result<void> ReadPadding(codec::CborReader& reader) {
  TRY(const ByteSpan padding, reader.ByteString());
  const bool is_zero =
      std::all_of(padding.begin(), padding.end(), [](std::uint8_t b) { return b == 0; });
  return is_zero ? Result<void>() : Bad();
}

Bytes EncodePadded(ByteSpan content) {
  Bytes out;
  codec::CborWriter writer(out);
  writer.Map(2);
  writer.Uint(1);
  writer.Encoded(content);
  WritePadding(writer, out.size());
  CHECK(out.size() % kPaddingBlock == 0);
  return out;
}

Result<ByteSpan> DecodePadded(ByteSpan plaintext) {
  if (plaintext.size() % kPaddingBlock != 0) return Bad();
  Result<ByteSpan> content = ReadPadded(plaintext);
  if (!content) return Bad();
  return content;
}

}  // namespace salus::audit
