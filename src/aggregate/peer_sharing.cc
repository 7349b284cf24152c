#include "aggregate/peer_sharing.h"

#include "aggregate/additive_sharing.h"
#include "aggregate/threshold_sharing.h"

namespace salus::aggregate {

Result<std::unique_ptr<const PeerSharing>> MakeSharing(const PeerRoster& roster,
                                                       std::span<const PeerId> members) {
  const std::size_t fewest = roster.fields().threshold ? 4 : 3;
  if (members.size() < fewest || members.size() > 255) {
    return InvalidArgument("a value is shared between 3 to 255 parties, 4 to 64 with a threshold");
  }
  Bytes context = ToBytes("ehr-p2p-v1");
  Append(context, roster.fields().session);
  const VdafInstance instance = roster.Instance(static_cast<std::uint8_t>(members.size() - 1));
  if (!roster.fields().threshold) return AdditiveSharing::Create(instance, std::move(context));
  return std::make_unique<const ThresholdSharing>(instance.max_measurement, members.size(),
                                                  std::move(context));
}

}  // namespace salus::aggregate
