// An identity URI that is accepted is the only spelling of its identity, and every valid identity
// has a URI that comes back.
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "pki/identity.h"

using salus::pki::Identity;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = salus::AsText({data, size});
  if (auto parsed = Identity::Parse(text); parsed.has_value()) {
    CHECK(parsed->ToUri().value() == text);
  }
  // The same bytes as parts: a role, then origin and id around the first line feed.
  if (size < 2) return 0;
  auto role = salus::pki::kAllRoles[data[0] % salus::pki::kAllRoles.size()];
  text.remove_prefix(1);
  std::size_t cut = text.find('\n');
  if (cut == std::string_view::npos) return 0;
  auto made =
      Identity::Create(std::string(text.substr(0, cut)), role, std::string(text.substr(cut + 1)));
  if (made.has_value()) {
    auto again = Identity::Parse(made->ToUri().value());
    CHECK(again.has_value() && *again == *made);
  }
  return 0;
}
