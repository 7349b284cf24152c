#include "crypto/hkdf.h"

#include <algorithm>

#include "base/secret.h"
#include "crypto/hmac.h"

namespace salus::crypto {

namespace {

Hash32 HmacSha256(ByteSpan key, std::initializer_list<ByteSpan> parts) {
  return HmacSha256Key(key).Mac(parts);
}

template <typename Hash>
Result<void> Hkdf(Hash (*hmac)(ByteSpan, std::initializer_list<ByteSpan>), ByteSpan ikm,
                  ByteSpan salt, ByteSpan info, MutableByteSpan out) {
  Hash block{};
  if (out.size() > 255 * block.size()) {
    return InvalidArgument("HKDF gives at most 255 times the length of its hash");
  }
  // HMAC pads its key with zeros, so an empty salt is the string of zeros of RFC 5869.
  Hash prk = hmac(salt, {ikm});
  ByteSpan previous;
  for (std::uint8_t counter = 1; !out.empty(); ++counter) {
    block = hmac(prk, {previous, info, ByteSpan(&counter, 1)});
    previous = block;
    const std::size_t take = std::min(out.size(), block.size());
    std::memcpy(out.data(), block.data(), take);
    out = out.subspan(take);
  }
  WipeMemory(prk.data(), prk.size());
  WipeMemory(block.data(), block.size());
  return {};
}

}  // namespace

Result<void> HkdfSha256(ByteSpan ikm, ByteSpan salt, ByteSpan info, MutableByteSpan out) {
  return Hkdf<Hash32>(HmacSha256, ikm, salt, info, out);
}
Result<void> HkdfSha384(ByteSpan ikm, ByteSpan salt, ByteSpan info, MutableByteSpan out) {
  return Hkdf<Hash48>(HmacSha384, ikm, salt, info, out);
}
Result<void> HkdfSha512(ByteSpan ikm, ByteSpan salt, ByteSpan info, MutableByteSpan out) {
  return Hkdf<Hash64>(
      static_cast<Hash64 (*)(ByteSpan, std::initializer_list<ByteSpan>)>(HmacSha512), ikm, salt,
      info, out);
}

}  // namespace salus::crypto
