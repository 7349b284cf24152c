#include "crypto/concat_kdf.h"

#include <algorithm>

#include "base/check.h"
#include "base/endian.h"
#include "crypto/secret_mint.h"
#include "crypto/sha256.h"

namespace salus::crypto {

void ConcatKdfSha256(ByteSpan z, ByteSpan other_info, MutableByteSpan out) {
  CHECK(!out.empty() && out.size() <= 255 * 32);
  std::uint32_t counter = 1;
  while (!out.empty()) {
    std::uint8_t counter_bytes[4];
    StoreBe(counter_bytes, counter++);
    Hash32 block = Sha256({counter_bytes, z, other_info});
    const std::size_t take = std::min(out.size(), block.size());
    std::memcpy(out.data(), block.data(), take);
    WipeMemory(block.data(), block.size());
    out = out.subspan(take);
  }
}

SecretArray<32> ConcatKdfEcdhEs(const SecretArray<32>& shared, std::string_view algorithm,
                                ByteSpan apu, ByteSpan apv) {
  Bytes other_info;
  other_info.reserve(16 + algorithm.size() + apu.size() + apv.size());
  for (const ByteSpan part : {AsBytes(algorithm), apu, apv}) {
    AppendBe(other_info, static_cast<std::uint32_t>(part.size()));
    Append(other_info, part);
  }
  AppendBe<std::uint32_t>(other_info, 256);  // SuppPubInfo: the length of the key in bits
  SecretArray<32> out;
  ConcatKdfSha256(shared.view(CryptoSecrets::Token()), other_info,
                  out.mutable_view(CryptoSecrets::Token()));
  return out;
}

}  // namespace salus::crypto
