// Offline proofs: what parses is written back exactly, and verifies under no policy without logs.
#include "base/check.h"
#include "tlog/tlog_proof.h"

namespace salus::tlog {
namespace {

void CheckOne(std::string_view text) {
  static const Policy nobody = Policy::Parse("quorum none\n").value();
  const auto proof = TlogProof::Parse(text);
  if (!proof) return;
  CHECK(proof->ToText() == text);
  CHECK(!proof->Verify(merkle::LeafHash(), nobody).has_value());
}

}  // namespace
}  // namespace salus::tlog

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::tlog::CheckOne(salus::AsText({data, size}));
  return 0;
}
