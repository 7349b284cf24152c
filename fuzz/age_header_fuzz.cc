// A header that is read is, but for its MAC, byte for byte the one that is written for its stanzas.
#include <cstdint>

#include "base/check.h"
#include "seal/age_header.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using salus::seal::AgeHeader;
  salus::seal::MemorySource memory({data, size});
  salus::seal::BufferedSource source(memory);
  const auto header = AgeHeader::Read(source);
  if (!header) return 0;
  CHECK(header->size_bytes() <= size);
  CHECK(salus::Equal(salus::AsBytes(header->text()), {data, header->size_bytes()}));
  const AgeHeader again =
      AgeHeader::Make({header->stanzas().begin(), header->stanzas().end()}, salus::seal::FileKey());
  constexpr std::size_t kMacLine = sizeof "--- " - 1 + 43 + 1;
  CHECK(again.size_bytes() == header->size_bytes());
  CHECK(again.text().substr(0, again.size_bytes() - kMacLine) ==
        header->text().substr(0, header->size_bytes() - kMacLine));
  return 0;
}
