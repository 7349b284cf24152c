// RFC 9861's values, and each engine against the literal reference.
#include <gtest/gtest.h>

#include "base/random.h"
#include "crypto/keccak_reference.h"
#include "crypto/turboshake128.h"
#include "crypto/turboshake128_engine.h"
#include "crypto/turboshake128_lanes.h"
#include "crypto/vector_files.h"

namespace salus::crypto {
namespace {

using testing::Hex;
using testing::ReferenceTurboShake128;
using testing::Unhex;

// Each test runs on every engine that this CPU has.
std::vector<KeccakEngine> Engines() {
  std::vector<KeccakEngine> engines;
  for (const KeccakEngine engine :
       {KeccakEngine::kPortable, KeccakEngine::kAvx2, KeccakEngine::kAvx512}) {
    if (engine <= KeccakEngineDetected()) engines.push_back(engine);
  }
  return engines;
}

class TurboShake128Test : public ::testing::TestWithParam<KeccakEngine> {
 protected:
  void SetUp() override { SetKeccakEngine(GetParam()); }
  void TearDown() override { SetKeccakEngine(KeccakEngineDetected()); }
};
std::string NameOf(const ::testing::TestParamInfo<KeccakEngine>& engine) {
  constexpr std::array<std::string_view, 3> kNames = {"Portable", "Avx2", "Avx512"};
  return std::string(kNames.at(static_cast<std::size_t>(engine.param)));
}
INSTANTIATE_TEST_SUITE_P(Engines, TurboShake128Test, ::testing::ValuesIn(Engines()), NameOf);

Bytes Squeezed(ByteSpan message, std::uint8_t domain, std::size_t size) {
  TurboShake128 shake(domain);
  shake.Absorb(message);
  Bytes out(size);
  shake.Squeeze(out);
  return out;
}

Bytes SqueezedFromLanes(ByteSpan message, std::uint8_t domain, std::size_t size) {
  TurboShake128Lanes shake(3, domain);
  shake.AbsorbSame(message);
  Bytes out[3] = {Bytes(size), Bytes(size), Bytes(size)};
  const MutableByteSpan pieces[] = {out[0], out[1], out[2]};
  shake.Squeeze(pieces);
  EXPECT_EQ(out[0], out[1]);
  EXPECT_EQ(out[0], out[2]);
  return out[2];
}

// The draft writes messages as `FF FF`, `00`^0 (nothing) and ptn(17**n bytes).
Bytes MessageOf(const std::string& text) {
  if (text == "`00`^0") return {};
  if (text.starts_with("ptn(17**")) {
    std::size_t size = 1;
    for (int n = text.at(8) - '0'; n > 0; --n) size *= 17;
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(i % 251);
    return out;
  }
  std::string digits;
  for (const char c : text) {
    if (c != '`' && c != ' ') digits += c;
  }
  return Unhex(digits);
}

TEST_P(TurboShake128Test, Rfc9861) {
  SKIP_WITHOUT_VECTORS("research/xof_turboshake");
  const auto file = testing::ReadJsonFile(testing::VectorFolder() / "research" / "xof_turboshake" /
                                          "turboshake_rfc9861.json");
  int of_128 = 0, of_256 = 0;
  for (const auto& value : file.as_array()) {
    testing::Fields fields(value.as_object());
    const std::string name = fields.Text("fn");
    const std::string message_text = fields.Text("M");
    const Bytes message = MessageOf(message_text);
    const std::uint8_t domain = Unhex(fields.Text("D")).at(0);
    const auto size = static_cast<std::size_t>(fields.Number("L"));
    const std::string want = fields.Text("output");
    const auto written = [&](const Bytes& out) {
      return Hex(fields.At("last32only").as_bool() ? ByteSpan(out).last(32) : ByteSpan(out));
    };
    if (name == "TurboSHAKE128") {
      ++of_128;
      EXPECT_EQ(written(Squeezed(message, domain, size)), want) << message_text;
      EXPECT_EQ(written(SqueezedFromLanes(message, domain, size)), want) << message_text;
      if (message.size() < 100000) {
        EXPECT_EQ(written(ReferenceTurboShake128(message, domain, size)), want) << message_text;
      }
    } else {
      // We offer no TurboSHAKE256; its vectors say something of the permutation.
      ASSERT_EQ(name, "TurboSHAKE256");
      ++of_256;
      EXPECT_EQ(written(testing::TurboShakeWith(KeccakPermute, 136, message, domain, size)), want)
          << message_text;
    }
    fields.ExpectAllRead(name + " " + message_text);
  }
  EXPECT_EQ(of_128, 16);
  EXPECT_EQ(of_256, 15);
}

// Lengths around words and blocks, absorbed and squeezed in random pieces.
TEST_P(TurboShake128Test, PiecesAgreeWithTheReference) {
  SeededRandom random(1);
  for (std::size_t size = 0; size <= 520; ++size) {
    Bytes message(size);
    random.Fill(message);
    const auto domain = static_cast<std::uint8_t>(1 + random.Below(0x7f));
    const std::size_t out_size = random.Below(520);
    TurboShake128 shake(domain);
    for (ByteSpan left = message; !left.empty();) {
      const std::size_t take = random.Below(std::min<std::size_t>(left.size(), 200) + 1);
      shake.Absorb(left.first(take));
      left = left.subspan(take);
    }
    TurboShake128 moved(std::move(shake));
    Bytes out(out_size);
    for (MutableByteSpan left = out; !left.empty();) {
      const std::size_t take = random.Below(std::min<std::size_t>(left.size(), 200) + 1);
      moved.Squeeze(left.first(take));
      left = left.subspan(take);
    }
    ASSERT_EQ(out, ReferenceTurboShake128(message, domain, out_size)) << size;
  }
}

// Every number of lanes, each with a content of its own, in pieces that leave and reach block
// borders in all ways.
TEST_P(TurboShake128Test, LanesAgreeWithTheReference) {
  SeededRandom random(2);
  for (int round = 0; round < 400; ++round) {
    const std::size_t lanes = 1 + random.Below(8);
    const auto domain = static_cast<std::uint8_t>(1 + random.Below(0x7f));
    TurboShake128Lanes shake(lanes, domain);
    std::vector<Bytes> messages(lanes), outs(lanes);
    for (std::uint64_t pieces = random.Below(5); pieces > 0; --pieces) {
      Bytes piece(random.Below(4) == 0 ? random.Below(4) * 168 : random.Below(600));
      if (random.Below(4) == 0) {
        random.Fill(piece);
        shake.AbsorbSame(piece);
        for (Bytes& message : messages) Append(message, piece);
        continue;
      }
      std::vector<Bytes> different(lanes, piece);
      std::vector<ByteSpan> spans;
      for (std::size_t l = 0; l < lanes; ++l) {
        random.Fill(different[l]);
        Append(messages[l], different[l]);
        spans.emplace_back(different[l]);
      }
      shake.Absorb(spans);
    }
    TurboShake128Lanes moved(std::move(shake));
    for (std::uint64_t pieces = 1 + random.Below(4); pieces > 0; --pieces) {
      const std::size_t size = random.Below(4) == 0 ? random.Below(4) * 168 : random.Below(600);
      std::vector<MutableByteSpan> spans;
      for (Bytes& out : outs) {
        out.resize(out.size() + size);
        spans.push_back(MutableByteSpan(out).last(size));
      }
      moved.Squeeze(spans);
    }
    for (std::size_t l = 0; l < lanes; ++l) {
      ASSERT_EQ(outs[l], ReferenceTurboShake128(messages[l], domain, outs[l].size()))
          << "lane " << l << " of " << lanes;
    }
  }
}

// Outputs stand side by side in memory: a lane must not write behind its end.
TEST_P(TurboShake128Test, LanesWriteOnlyTheirPart) {
  for (std::size_t lanes = 1; lanes <= 8; ++lanes) {
    Bytes memory(9 * 400, 0xa5);
    std::vector<MutableByteSpan> spans;
    for (std::size_t l = 0; l < lanes; ++l) {
      spans.push_back(MutableByteSpan(memory).subspan(l * 400 + 1, 336));
    }
    TurboShake128Lanes shake(lanes, 1);
    shake.Squeeze(spans);
    for (std::size_t i = 0; i < memory.size(); ++i) {
      const bool inside = i / 400 < lanes && i % 400 >= 1 && i % 400 < 337;
      if (!inside) {
        ASSERT_EQ(memory[i], 0xa5) << i;
      }
    }
  }
}

TEST(TurboShake128DeathTest, MisuseStops) {
  EXPECT_DEATH(TurboShake128(0), "CHECK failed");
  EXPECT_DEATH(TurboShake128(0x80), "CHECK failed");
  EXPECT_DEATH(TurboShake128Lanes(0, 1), "CHECK failed");
  EXPECT_DEATH(TurboShake128Lanes(9, 1), "CHECK failed");
  Bytes out(1);
  TurboShake128 shake(1);
  shake.Squeeze(out);
  EXPECT_DEATH(shake.Absorb(out), "CHECK failed");
  TurboShake128 moved(std::move(shake));
  EXPECT_DEATH(shake.Squeeze(out), "CHECK failed");  // NOLINT: moved from on purpose
  TurboShake128Lanes lanes(2, 1);
  const Bytes longer(2);
  const ByteSpan uneven[] = {out, longer};
  EXPECT_DEATH(lanes.Absorb(uneven), "CHECK failed");
  EXPECT_DEATH(lanes.Absorb(std::span(uneven, 1)), "CHECK failed");
}

}  // namespace
}  // namespace salus::crypto
