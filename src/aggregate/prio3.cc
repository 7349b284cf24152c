#include "aggregate/prio3.h"

#include "aggregate/share_access.h"

namespace salus::aggregate {

Result<std::unique_ptr<const Prio3>> Prio3::Create(const VdafInstance&) {
  return InvalidArgument("no circuit is built in");
}

Result<Shards> Prio3::Shard(ByteSpan context, std::span<const std::uint64_t> measurement,
                            std::span<const std::uint8_t, kNonceBytes> nonce,
                            RandomSource& random) const {
  SecretBytes randomness(randomness_bytes());
  random.Fill(randomness.mutable_view(ShareAccess::Token()));
  return Shard(context, measurement, nonce, randomness);
}

}  // namespace salus::aggregate
