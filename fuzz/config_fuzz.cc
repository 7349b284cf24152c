// salus.toml: what is taken is written so that it reads the same again.
#include "base/check.h"
#include "node/config.h"

namespace salus::node {
namespace {

void CheckOne(std::string_view text) {
  const auto config = Config::Parse(text);
  if (!config) return;
  const std::string written = config->ToToml();
  const auto again = Config::Parse(written);
  CHECK(again.has_value());
  CHECK(again->ToToml() == written);
}

}  // namespace
}  // namespace salus::node

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::node::CheckOne({reinterpret_cast<const char*>(data), size});
  return 0;
}
