// Tile paths: what parses is written back exactly; entry bundles: what parses is written back.
#include "base/check.h"
#include "fuzz_input.h"
#include "merkle/tile.h"

namespace salus::merkle {
namespace {

void CheckOne(ByteSpan bytes) {
  if (const auto parsed = ParseTilePath(AsText(bytes))) {
    const std::string path = parsed->is_entries ? parsed->id.EntriesPath() : parsed->id.Path();
    CHECK(path == AsText(bytes));
    CHECK(parsed->id.width >= 1 && parsed->id.width <= kTileWidth);
  }

  fuzz::Input input(bytes);
  const unsigned width = 1 + input.U8();
  if (const auto entries = ParseBundle(input.Rest(), width)) {
    Bytes bundle;
    for (const ByteSpan entry : *entries) CHECK(AppendBundleEntry(bundle, entry).has_value());
    CHECK(entries->size() == width && Equal(bundle, input.Rest()));
  }
}

}  // namespace
}  // namespace salus::merkle

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::merkle::CheckOne({data, size});
  return 0;
}
