#include "tlog/map_replay.h"

#include <gtest/gtest.h>

#include "merkle/compact_range.h"
#include "merkle/hash.h"

namespace salus::tlog {
namespace {

constexpr char kOrigin[] = "example.org/log";

merkle::SubjectTag TagOf(std::uint8_t number) {
  merkle::SubjectTag tag;
  tag.data()[31] = number;
  return tag;
}

// One subject with one entry at index 1: every value literally from the definitions.
class MapReplayTest : public testing::Test {
 protected:
  MapReplayTest() {
    const merkle::MapValue value{1,
                                 merkle::ChainStep(merkle::ChainHead0(kOrigin, tag_), {1}, leaf_)};
    map_.Apply({{{merkle::PositionOf(tag_), value}}});
    entry_ = {.size = 2,
              .time = Timestamp{std::chrono::milliseconds(1)},
              .map_root = map_.root(),
              .subjects = 1,
              .updates = merkle::RootHash(HashUpdate({1}, tag_).bytes())};
    EXPECT_TRUE(replay_.Introduce(7, tag_));
    replay_.Step(7, {1}, leaf_);
  }

  const merkle::SubjectTag tag_ = TagOf(1);
  const merkle::LeafHash leaf_ = merkle::HashLeaf(AsBytes("entry"));
  merkle::MapTree map_;
  MapRootEntry entry_;
  MapReplay replay_{kOrigin};
};

TEST_F(MapReplayTest, FollowsTheChains) {
  EXPECT_TRUE(replay_.Close({2}, entry_).fits());
  EXPECT_EQ(replay_.subjects(), 1u);
  // An interval without steps.
  const MapRootEntry idle{.size = 3,
                          .time = entry_.time,
                          .map_root = map_.root(),
                          .subjects = 1,
                          .updates = merkle::RootOf({})};
  EXPECT_TRUE(replay_.Close({3}, idle).fits());
}

TEST_F(MapReplayTest, SaysWhenTheStepsDiffer) {
  entry_.updates = {};
  const MapReplay::Comparison compared = replay_.Close({2}, entry_);
  EXPECT_FALSE(compared.has_steps);
  EXPECT_TRUE(compared.has_map);
}

TEST_F(MapReplayTest, SaysWhenTheMapDiffers) {
  entry_.subjects = 2;
  const MapReplay::Comparison compared = replay_.Close({2}, entry_);
  EXPECT_TRUE(compared.has_steps);
  EXPECT_FALSE(compared.has_map);
}

TEST_F(MapReplayTest, KnowsItsPlaceAndTime) {
  EXPECT_FALSE(replay_.Close({3}, entry_).is_in_order);
  const MapRootEntry older{.size = 4,
                           .time = entry_.time - std::chrono::milliseconds(1),
                           .map_root = map_.root(),
                           .subjects = 1,
                           .updates = merkle::RootOf({})};
  EXPECT_FALSE(replay_.Close({4}, older).is_in_order);
}

TEST_F(MapReplayTest, ASubjectBeginsOnce) {
  EXPECT_TRUE(replay_.IsKnown(7));
  EXPECT_FALSE(replay_.IsKnown(6));
  EXPECT_FALSE(replay_.IsKnown(8));
  EXPECT_FALSE(replay_.Introduce(7, TagOf(2)));
  EXPECT_FALSE(replay_.Introduce(8, tag_));
}

}  // namespace
}  // namespace salus::tlog
