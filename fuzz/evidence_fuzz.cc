// What is kept on disk, evidence files and remembered chains: what decodes is exactly what would be
// written, byte for byte.
#include "audit/verify.h"
#include "base/check.h"

namespace salus::audit {
namespace {

void CheckOne(ByteSpan bytes) {
  if (const auto evidence = DecodeEvidence(bytes)) CHECK(Equal(EncodeEvidence(*evidence), bytes));
  if (const auto chain = DecodeKnownChain(bytes)) CHECK(Equal(EncodeKnownChain(*chain), bytes));
}

}  // namespace
}  // namespace salus::audit

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::audit::CheckOne({data, size});
  return 0;
}
