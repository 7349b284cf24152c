// The drafts' vectors for XofTurboShake128, and the lanes against one after another.
#include "aggregate/xof.h"

#include <gtest/gtest.h>

#include <vector>

#include "aggregate/xof_lanes.h"
#include "base/random.h"
#include "crypto/vector_files.h"

namespace salus::aggregate {
namespace {

using crypto::testing::Hex;

// Number is an element of a field, or of something that refuses more often than any field does.
template <std::size_t kBytes, unsigned __int128 kBelow>
struct Number {
  static constexpr std::size_t kEncodedBytes = kBytes;
  unsigned __int128 value = 0;
  static bool Decode(const std::uint8_t* bytes, Number& out) {
    out.value = 0;
    for (std::size_t i = kBytes; i-- > 0;) out.value = out.value << 8 | bytes[i];
    return out.value < kBelow;
  }
  friend bool operator==(const Number&, const Number&) = default;
};

constexpr unsigned __int128 kModulus128 =
    (static_cast<unsigned __int128>(4611686018427387897) << 66) + 1;
using Element128 = Number<16, kModulus128>;
using OneInFour = Number<8, static_cast<unsigned __int128>(1) << 62>;

// NextVec as the draft writes it: element by element.
template <class F>
std::vector<F> ElementByElement(Xof xof, std::size_t length) {
  std::vector<F> out;
  while (out.size() < length) {
    std::array<std::uint8_t, F::kEncodedBytes> bytes;
    xof.Next(bytes);
    if (F element; F::Decode(bytes.data(), element)) out.push_back(element);
  }
  return out;
}

void CheckVector(VdafProfile profile, const std::string& folder) {
  const auto json = crypto::testing::ReadJsonFile(crypto::testing::VectorFolder() / "research" /
                                                  folder / "XofTurboShake128.json");
  crypto::testing::Fields fields(json.as_object());
  const Bytes seed = fields.HexBytes("seed");
  const Bytes tag = fields.HexBytes("dst");
  const Bytes binder = fields.HexBytes("binder");
  Bytes derived(seed.size());
  Xof xof(profile, seed, tag);
  xof.Update(ByteSpan(binder).first(3));
  xof.Update(ByteSpan(binder).subspan(3));
  xof.Next(derived);
  EXPECT_EQ(Hex(derived), fields.Text("derived_seed"));

  std::vector<Element128> elements(static_cast<std::size_t>(fields.Number("length")));
  Xof expand(profile, seed, tag);
  expand.Update(binder);
  expand.NextVec(std::span(elements));
  Bytes encoded;
  for (const Element128& element : elements) {
    for (int i = 0; i < 16; ++i) {
      encoded.push_back(static_cast<std::uint8_t>(element.value >> (8 * i)));
    }
  }
  EXPECT_EQ(Hex(encoded), fields.Text("expanded_vec_field128"));
  fields.ExpectAllRead(folder);
}

TEST(XofTest, VectorOfDraft20) {
  SKIP_WITHOUT_VECTORS("research/vdaf20");
  CheckVector(VdafProfile::kDraft20, "vdaf20");
}

TEST(XofTest, VectorOfDraft08) {
  SKIP_WITHOUT_VECTORS("research/vdaf08");
  CheckVector(VdafProfile::kDraft08, "vdaf08");
}

Xof Started(const Bytes& seed) {
  Xof xof(VdafProfile::kDraft20, seed, AsBytes("tag"));
  xof.Update(AsBytes("binder"));
  return xof;
}

// After NextVec the stream goes on right behind the last element that was kept.
TEST(XofTest, NextVecReadsNoFurtherThanItMust) {
  for (std::size_t length = 0; length < 700; length += 1 + length / 9) {
    const Bytes seed(32, static_cast<std::uint8_t>(length));
    std::vector<OneInFour> first(length), second(3);
    Xof xof = Started(seed);
    xof.NextVec(std::span(first));
    xof.NextVec(std::span(second));
    first.insert(first.end(), second.begin(), second.end());
    ASSERT_EQ(first, ElementByElement<OneInFour>(Started(seed), length + 3)) << length;
  }
}

// Lanes that skip different elements, in lengths around the block.
template <class F>
void CompareLanes(VdafProfile profile, std::size_t seed_size) {
  SeededRandom random(seed_size);
  for (std::size_t length : {0u, 1u, 2u, 20u, 21u, 22u, 83u, 84u, 85u, 168u, 169u, 700u}) {
    for (std::size_t lanes = 1; lanes <= XofLanes::kMaxLanes; ++lanes) {
      std::vector<Bytes> seeds(lanes, Bytes(seed_size)), binders(lanes, Bytes(17));
      std::vector<ByteSpan> seed_views, binder_views;
      std::vector<std::vector<F>> out(lanes, std::vector<F>(length));
      std::vector<std::span<F>> out_views;
      for (std::size_t l = 0; l < lanes; ++l) {
        random.Fill(seeds[l]);
        random.Fill(binders[l]);
        seed_views.emplace_back(seeds[l]);
        binder_views.emplace_back(binders[l]);
        out_views.emplace_back(out[l]);
      }
      XofLanes together(profile, seed_views, AsBytes("tag"));
      together.UpdateSame(AsBytes("binder"));
      together.Update(binder_views);
      std::move(together).NextVec(std::span<const std::span<F>>(out_views));
      for (std::size_t l = 0; l < lanes; ++l) {
        Xof alone(profile, seeds[l], AsBytes("tag"));
        alone.Update(AsBytes("binder"));
        alone.Update(binders[l]);
        ASSERT_EQ(out[l], ElementByElement<F>(std::move(alone), length))
            << "lane " << l << " of " << lanes << ", length " << length;
      }
    }
  }
}

TEST(XofLanesTest, AgreeWithOneAfterAnother) {
  CompareLanes<Element128>(VdafProfile::kDraft20, 32);
  CompareLanes<OneInFour>(VdafProfile::kDraft20, 32);
  CompareLanes<Element128>(VdafProfile::kDraft08, 16);
  CompareLanes<OneInFour>(VdafProfile::kDraft08, 16);
}

TEST(XofLanesTest, BytesAgreeWithOneAfterAnother) {
  const Bytes seeds[] = {Bytes(32, 1), Bytes(32, 2)};
  const ByteSpan views[] = {seeds[0], seeds[1]};
  XofLanes together(VdafProfile::kDraft20, views, AsBytes("tag"));
  together.UpdateSame(AsBytes("binder"));
  Bytes out[2] = {Bytes(32), Bytes(32)};
  const MutableByteSpan out_views[] = {out[0], out[1]};
  together.Next(out_views);
  for (int l = 0; l < 2; ++l) {
    Bytes alone(32);
    Started(seeds[l]).Next(alone);
    EXPECT_EQ(out[l], alone);
  }
}

}  // namespace
}  // namespace salus::aggregate
