#include "aggregate/transcript_item.h"

#include "codec/cbor.h"

namespace salus::aggregate {

Result<ItemHead> ReadItemHead(ByteSpan rest) {
  const std::uint8_t info = rest[0] & 0x1f;
  if (rest[0] >> 5 != 2 || info > 26) return InvalidArgument("is no byte string");
  ItemHead out;
  out.head_bytes = info < 24 ? 1 : 1 + (std::size_t{1} << (info - 24));
  if (rest.size() < out.head_bytes) return InvalidArgument("is cut off");
  out.size = info < 24 ? info : 0;
  for (std::size_t i = 1; i < out.head_bytes; ++i) out.size = out.size << 8 | rest[i];
  const std::size_t least[] = {0, 24, 1u << 8, 1u << 16};
  const std::size_t form = info < 24 ? 0 : info - 23u;
  if (out.size < least[form]) return InvalidArgument("is longer written than it has to be");
  return out;
}

}  // namespace salus::aggregate
