// The published samples of the discrete Gaussian, which IBM's program and libprio-rs draw too.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "aggregate/exact_sampler.h"
#include "crypto/turboshake128.h"
#include "crypto/vector_files.h"

namespace salus::aggregate {
namespace {

using crypto::testing::Fields;
using crypto::testing::VectorFolder;

// ReferenceStream is where the published samples' random bytes come from: the XOF of VDAF draft-20
// with an empty separation tag and binder.
class ReferenceStream final : public RandomSource {
 public:
  explicit ReferenceStream(ByteSpan seed) : xof_(1) {
    const std::array<std::uint8_t, 3> head = {0, 0, static_cast<std::uint8_t>(seed.size())};
    xof_.Absorb(head);
    xof_.Absorb(seed);
  }
  void Fill(MutableByteSpan out) override { xof_.Squeeze(out); }

 private:
  crypto::TurboShake128 xof_;
};

// Boost's JSON numbers end at 64 bits: the numbers of the file are read as texts.
boost::json::value ReadWithNumbersAsText(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text;
  bool is_in_text = false;
  bool is_in_number = false;
  for (char c; in.get(c); text.push_back(c)) {
    if (c == '"') is_in_text = !is_in_text;
    const bool is_digit = !is_in_text && (c == '-' || (c >= '0' && c <= '9'));
    if (is_digit != is_in_number) text.push_back('"');
    is_in_number = is_digit;
  }
  return boost::json::parse(text);
}

TEST(DiscreteGaussianVectors, AreOurSamples) {
  SKIP_WITHOUT_VECTORS("research/dp");
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(VectorFolder() / "research/dp")) {
    const boost::json::value file = ReadWithNumbersAsText(entry.path());
    Fields fields(file.as_object());
    const BigInteger above(fields.Text("std_num"));
    const BigInteger below(fields.Text("std_denom"));
    ReferenceStream stream(fields.HexBytes("seed"));
    ExactSampler sampler(stream);
    const BigFraction variance = Reduced(above * above, below * below);
    const auto& samples = fields.At("samples").as_array();
    ASSERT_FALSE(samples.empty());
    for (const auto& sample : samples) {
      EXPECT_EQ(sampler.DiscreteGaussian(variance), BigInteger(std::string(sample.as_string())))
          << entry.path();
    }
    fields.ExpectAllRead(entry.path().string());
    ++files;
  }
  EXPECT_EQ(files, 6);
}

}  // namespace
}  // namespace salus::aggregate
