// Uploads and the parts of a report, in both versions of DAP: what is read is written back to the
// same bytes. The first byte chooses the message.
#include "aggregate/dap_report.h"
#include "aggregate/share_access.h"
#include "base/check.h"
#include "dap_round_trip.h"
#include "fuzz_input.h"

namespace salus::aggregate {
namespace {

void CheckShare(ByteSpan bytes) {
  for (const DapVersion version : {DapVersion::k18, DapVersion::k09}) {
    const auto share = PlaintextInputShare::Parse(version, SecretBytes(bytes));
    if (!share) continue;
    CHECK(Equal(share->Encode(version).view(ShareAccess::Token()), bytes));
    CHECK(!InStrictOrder(share->private_extensions) || HaveNoTypeTwice(share->private_extensions));
  }
}

void CheckOne(ByteSpan data) {
  fuzz::Input input(data);
  const std::uint8_t choice = input.U8();
  const ByteSpan bytes = input.Rest();
  switch (choice % 5) {
    case 0:
      return CheckBoth<UploadRequest>(bytes);
    case 1:
      return CheckBoth<ReportMetadata>(bytes);
    case 2:
      return CheckShare(bytes);
    case 3: {
      const auto errors = UploadErrors::Parse(bytes);
      if (errors) CHECK(Equal(errors->Encode(), bytes));
      return;
    }
    default: {
      const auto ciphertext = HpkeCiphertext::Parse(bytes);
      if (ciphertext) CHECK(Equal(ciphertext->Encode(), bytes));
    }
  }
}

}  // namespace
}  // namespace salus::aggregate

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::aggregate::CheckOne({data, size});
  return 0;
}
