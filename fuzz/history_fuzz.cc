// Answers to questions, and their pages: what decodes is exactly what would be written, byte for
// byte.
#include "audit/history.h"
#include "base/check.h"

namespace salus::audit {
namespace {

void CheckPage(ByteSpan bytes) {
  const Result<HistoryPage> page = DecodeHistoryPage(bytes);
  if (!page) {
    CHECK(page.error().code == ErrorCode::kVerificationFailed);
    return;
  }
  CHECK(Equal(EncodeHistoryPage(*page), bytes));
}

void CheckOne(ByteSpan bytes) {
  CheckPage(bytes);
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
