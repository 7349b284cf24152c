// The canary accepts its seed and breaks on one flipped bit of it, so that a replayer which stopped
// mutating, or stopped noticing failures, is itself noticed.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  CHECK(input != "Canary");
  return 0;
}
