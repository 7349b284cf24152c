// Rows of control.db: what decodes is exactly what would be written, byte for byte. The first byte
// chooses the kind of row.
#include <cstdint>

#include "audit/directory_rows.h"
#include "base/check.h"
#include "fuzz_input.h"

namespace salus::audit {
namespace {

template <typename Row>
void CheckRow(const Result<Row>& row, ByteSpan bytes) {
  if (row) CHECK(Equal(EncodeRow(*row), bytes));
}

void CheckOne(ByteSpan data) {
  fuzz::Input input(data);
  const unsigned kind = input.U8() % 5;
  const ByteSpan bytes = input.Rest();
  if (kind == 0) CheckRow(DecodePatientRow(bytes), bytes);
  if (kind == 1) CheckRow(DecodeAuditorRow(bytes), bytes);
  if (kind == 2) CheckRow(DecodeSourceRow(bytes), bytes);
  if (kind == 3) CheckRow(DecodeCustodianRow(bytes), bytes);
  if (kind == 4) CheckRow(DecodeMandateRow(bytes), bytes);
}

}  // namespace
}  // namespace salus::audit

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::audit::CheckOne({data, size});
  return 0;
}
