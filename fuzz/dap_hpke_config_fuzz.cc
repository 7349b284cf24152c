// HPKE configs of an aggregator: what is read is written back to the same bytes, and the one that a
// client would choose is one of them.
#include <algorithm>

#include "aggregate/dap_recipient.h"
#include "base/check.h"

namespace salus::aggregate {
namespace {

void CheckOne(ByteSpan bytes) {
  const auto list = HpkeConfigList::Parse(bytes);
  if (!list) return;
  CHECK(Equal(list->Encode(), bytes));
  const auto chosen = DapRecipient::Choose(*list);
  if (!chosen) return;
  CHECK(std::ranges::find(list->configs, chosen->config_id(), &DapHpkeConfig::id) !=
        list->configs.end());
}

}  // namespace
}  // namespace salus::aggregate

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::aggregate::CheckOne({data, size});
  return 0;
}
