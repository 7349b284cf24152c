#include "aggregate/peer_sharing.h"

#include "aggregate/additive_sharing.h"
#include "aggregate/threshold_sharing.h"

namespace salus::aggregate {

Result<std::unique_ptr<const PeerSharing>> MakeSharing(const PeerRoster& roster,
                                                       std::span<const PeerId> members) {
  if (members.size() < 3 || members.size() > 255) {
    return InvalidArgument("a value is shared between 3 to 255 parties");
  }
  Bytes context = ToBytes("ehr-p2p-v1");
  Append(context, roster.fields().session);
  const VdafInstance instance = roster.Instance(static_cast<std::uint8_t>(members.size() - 1));
  if (!roster.fields().threshold) return AdditiveSharing::Create(instance, std::move(context));
  // The degree is the roster's: a host that lets few join must not lower it.
  const std::size_t degree = ThresholdDegree(roster.size());
  if (members.size() < degree + 2) {
    return Unavailable("too few joined for the threshold of this roster: it needs " +
                       std::to_string(degree + 2));
  }
  return std::make_unique<const ThresholdSharing>(instance.max_measurement, members.size(), degree,
                                                  std::move(context));
}

}  // namespace salus::aggregate
