// What leader and helper say to each other, in both versions of DAP: what is read is written back
// to the same bytes. The first byte chooses the message.
#include "aggregate/dap_aggregation.h"
#include "aggregate/ping_pong.h"
#include "base/check.h"
#include "dap_round_trip.h"
#include "fuzz_input.h"

namespace salus::aggregate {
namespace {

void CheckOne(ByteSpan data) {
  fuzz::Input input(data);
  const std::uint8_t choice = input.U8();
  const ByteSpan bytes = input.Rest();
  switch (choice % 4) {
    case 0:
      return CheckBoth<AggregationJobInitReq>(bytes);
    case 1:
      return CheckBoth<AggregationJobResp>(bytes);
    case 2:
      return CheckBoth<AggregationJobContinueReq>(bytes);
    default: {
      const auto message = PingPongMessage::Parse(bytes);
      if (message) CHECK(Equal(message->Encode(), bytes));
    }
  }
}

}  // namespace
}  // namespace salus::aggregate

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::aggregate::CheckOne({data, size});
  return 0;
}
