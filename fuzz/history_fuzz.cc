// Answers to questions: what decodes is exactly what would be written, byte for byte.
#include "audit/history.h"
#include "base/check.h"

namespace salus::audit {
namespace {

void CheckOne(ByteSpan bytes) {
  const Result<HistoryAnswer> answer = DecodeHistory(bytes);
  if (!answer) {
    CHECK(answer.error().code == ErrorCode::kVerificationFailed);
    return;
  }
  CHECK(Equal(EncodeHistory(*answer), bytes));
}

}  // namespace
}  // namespace salus::audit

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::audit::CheckOne({data, size});
  return 0;
}
