// Notices: what decodes is encoded back exactly.
#include "audit/notices.h"
#include "audit/task_notice.h"
#include "base/check.h"

namespace salus::audit {
namespace {

void CheckOne(ByteSpan bytes) {
  if (const auto notice = DecodeMandateNotice(bytes)) {
    CHECK(Equal(EncodeMandateNotice(*notice), bytes));
  }
  if (const auto notice = DecodeSharedDaysNotice(bytes)) {
    CHECK(Equal(EncodeSharedDaysNotice(*notice), bytes));
  }
  if (const auto notice = DecodeQuestionNotice(bytes)) {
    CHECK(Equal(EncodeQuestionNotice(*notice), bytes));
  }
  if (const auto notice = DecodeTaskNotice(bytes)) {
    const auto again = EncodeTaskNotice(*notice);
    CHECK(again.has_value() && Equal(*again, bytes));
  }
  if (const auto notice = DecodeResultNotice(bytes)) {
    const auto again = EncodeResultNotice(*notice);
    CHECK(again.has_value() && Equal(*again, bytes));
  }
}

}  // namespace
}  // namespace salus::audit

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::audit::CheckOne({data, size});
  return 0;
}
