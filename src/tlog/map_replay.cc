#include "tlog/map_replay.h"

#include <cstring>

#include "base/endian.h"
#include "merkle/compact_range.h"

namespace salus::tlog {

// A tag is the output of a VRF, so that its first bytes are spread already; who makes up tags that
// collide here slows down the check of their own log.
std::size_t MapReplay::TagHash::operator()(const merkle::SubjectTag& tag) const {
  std::size_t hash;
  std::memcpy(&hash, tag.bytes().data(), sizeof(hash));
  return hash;
}

bool MapReplay::Introduce(std::uint32_t subject, const merkle::SubjectTag& tag) {
  if (subject >= chains_.size()) chains_.resize(subject + 1);
  Chain& chain = chains_[subject];
  const bool is_new = !chain.is_known && tags_.insert(tag).second;
  chain = {.tag = tag, .value = {0, merkle::ChainHead0(origin_, tag)}, .is_known = true};
  return is_new;
}

bool MapReplay::IsKnown(std::uint32_t subject) const {
  return subject < chains_.size() && chains_[subject].is_known;
}

void MapReplay::Step(std::uint32_t subject, merkle::LeafIndex index, const merkle::LeafHash& leaf) {
  Chain& chain = chains_[subject];
  chain.value.head = merkle::ChainStep(chain.value.head, index, leaf);
  if (chain.value.count++ == 0) ++subjects_;
  if (!chain.is_touched) touched_.push_back(subject);
  chain.is_touched = true;
  steps_.push_back(HashUpdate(index, chain.tag));
}

MapReplay::Comparison MapReplay::Close(merkle::LeafIndex index, const MapRootEntry& entry) {
  std::vector<merkle::MapUpdate> changed;
  changed.reserve(touched_.size());
  for (const std::uint32_t subject : touched_) {
    Chain& chain = chains_[subject];
    changed.push_back({merkle::PositionOf(chain.tag), chain.value});
    chain.is_touched = false;
  }
  map_.Apply(changed);
  const Comparison comparison{
      .is_in_order = entry.size == index.value && entry.time >= last_time_,
      .has_steps = entry.updates == merkle::RootOf(steps_),
      .has_map = entry.map_root == map_.root() && entry.subjects == subjects_};
  last_time_ = entry.time;
  touched_.clear();
  steps_.clear();
  return comparison;
}

}  // namespace salus::tlog
