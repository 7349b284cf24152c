// Points of ristretto255: what decodes is encoded to the same bytes, and adding is that of a group:
// in any order, decoded anew or not, to the same encoding.
//
// Input: encodings of 32 bytes.
#include <array>
#include <vector>

#include "base/check.h"
#include "crypto/ristretto_point.h"
#include "fuzz_input.h"

namespace salus::crypto {
namespace {

constexpr std::size_t kMostPoints = 16;

RistrettoPoint Sum(const RistrettoPoint& a, const RistrettoPoint& b) {
  RistrettoPoint out = a;
  out.Add(b);
  return out;
}

// The same point, with other coordinates.
RistrettoPoint Anew(const RistrettoPoint& point) {
  return RistrettoPoint::Decode(point.Encode()).value();
}

void CheckOne(ByteSpan data) {
  fuzz::Input input(data);
  std::vector<RistrettoPoint> points;
  while (!input.Rest().empty() && points.size() < kMostPoints) {
    const ByteSpan bytes = input.Take(RistrettoPoint::kBytes);
    const auto point = RistrettoPoint::Decode(bytes);
    if (!point) continue;
    CHECK(Equal(point->Encode(), bytes));
    points.push_back(*point);
  }
  RistrettoPoint forwards, backwards;
  for (const RistrettoPoint& point : points) {
    forwards = Sum(forwards, point);
    backwards = Sum(point, Anew(backwards));
    CHECK(forwards.Encode() == backwards.Encode());
    const RistrettoPoint twice = Sum(point, point);
    CHECK(Sum(Sum(forwards, point), point).Encode() == Sum(forwards, Anew(twice)).Encode());
    CHECK(Sum(point, RistrettoPoint()).Encode() == point.Encode());
  }
}

}  // namespace
}  // namespace salus::crypto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::crypto::CheckOne({data, size});
  return 0;
}
