// What collector and aggregators say to each other of a batch, in both versions of DAP: what is
// read is written back to the same bytes. The first byte chooses the message.
#include "aggregate/dap_collection.h"
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
      return CheckBoth<CollectionJobReq>(bytes);
    case 1:
      return CheckBoth<CollectionJobResp>(bytes);
    case 2:
      return CheckBoth<AggregateShareReq>(bytes);
    default: {
      const auto share = DapAggregateShare::Parse(bytes);
      if (share) CHECK(Equal(share->Encode(), bytes));
    }
  }
}

}  // namespace
}  // namespace salus::aggregate

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::aggregate::CheckOne({data, size});
  return 0;
}
