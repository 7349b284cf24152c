// The chain steps that a server shows to map verifiers: what is taken is exactly the CBOR sequence
// of rising steps that it says it is.
#include "base/check.h"
#include "client/published_check.h"
#include "codec/cbor.h"

namespace salus::client {
namespace {

void CheckOne(ByteSpan bytes) {
  const auto steps = ParseUpdates(bytes, 0, 65'535);
  if (!steps) return;
  Bytes again;
  std::uint64_t least = 0;
  for (const ChainStepOf& step : *steps) {
    CHECK(step.index >= least && step.index <= 65'535);
    least = step.index + 1;
    codec::CborWriter writer(again);
    writer.Array(2);
    writer.Uint(step.index);
    writer.ByteString(step.tag.span());
  }
  CHECK(Equal(again, bytes));
}

}  // namespace
}  // namespace salus::client

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::client::CheckOne({data, size});
  return 0;
}
