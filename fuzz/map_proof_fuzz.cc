// Map proofs: what decodes is encoded back exactly; and whatever the proof, it shows of a real map
// only what is so.
#include <map>

#include "base/check.h"
#include "fuzz_input.h"
#include "merkle/map.h"
#include "merkle/reference.h"

namespace salus::merkle {
namespace {

constexpr int kSubjects = 24;

SubjectTag TagOf(int subject) {
  SubjectTag tag;
  tag.data()[0] = static_cast<std::uint8_t>(subject);
  return tag;
}

// Built once: 24 subjects, of which the first 16 are in the map.
const MapTree& TheMap() {
  static const MapTree map = [] {
    MapTree tree;
    reference::MapLeaves model;
    std::vector<MapUpdate> updates;
    for (int i = 0; i < 16; ++i) {
      updates.push_back({PositionOf(TagOf(i)), {static_cast<std::uint64_t>(i), ChainHead()}});
      model.emplace_back(updates.back().position, updates.back().value);
    }
    tree.Apply(updates);
    CHECK(tree.root().bytes() == reference::MapHash(model));
    return tree;
  }();
  return map;
}

void CheckShowsTheTruthOnly(const MapProof& proof, const MapPosition& position) {
  const MapTree& map = TheMap();
  const std::optional<MapValue> truth = map.Find(position);
  // Honest or not, nothing but the truth verifies.
  for (std::uint64_t count = 0; count < 16; ++count) {
    const MapValue claim{count, ChainHead()};
    if (proof.Verify(position, claim, map.root())) CHECK(truth == claim);
  }
  if (proof.Verify(position, std::nullopt, map.root())) CHECK(!truth);
}

void CheckOne(ByteSpan bytes) {
  fuzz::Input input(bytes);
  const MapPosition position = PositionOf(TagOf(input.U8() % kSubjects));
  const MapPosition other = PositionOf(TagOf(input.U8() % kSubjects));

  // A true proof, then the same with one byte changed, then asked about another subject.
  Bytes encoded = TheMap().Prove(position).Encode();
  CHECK(MapProof::Decode(encoded)->Verify(position, TheMap().Find(position), TheMap().root()));
  encoded[input.U8() % encoded.size()] ^= input.U8();
  for (const ByteSpan candidate : {ByteSpan(encoded), input.Rest()}) {
    if (const auto proof = MapProof::Decode(candidate)) {
      CHECK(Equal(proof->Encode(), candidate));
      CheckShowsTheTruthOnly(*proof, position);
      CheckShowsTheTruthOnly(*proof, other);
    }
  }
}

}  // namespace
}  // namespace salus::merkle

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::merkle::CheckOne({data, size});
  return 0;
}
