// A key that parses is written so that it parses as the same key; a set finds what it holds.
#include <cstdint>

#include "base/check.h"
#include "base/secret.h"
#include "codec/json.h"
#include "jose/jwk.h"

namespace {

class FuzzAccess : salus::SecretAccessMint {
 public:
  static salus::SecretAccess Token() { return Mint(); }
};

void CheckKey(const salus::jose::Jwk& key) {
  using salus::jose::Jwk;
  const auto thumbprint = key.Thumbprint().value();
  const bool holds_secret = key.is_private() || key.is_symmetric();
  const auto secret = key.PrivateJson();
  CHECK(secret.has_value() == holds_secret);
  if (secret) {
    const auto again = Jwk::Parse(salus::AsText(secret->view(FuzzAccess::Token())));
    CHECK(again.has_value() && again->Thumbprint().value() == thumbprint);
    CHECK(again->key_id() == key.key_id() && again->algorithm() == key.algorithm());
    const auto twice = again->PrivateJson().value();
    CHECK(salus::ConstantTimeEqual(twice.view(FuzzAccess::Token()),
                                   secret->view(FuzzAccess::Token())));
  }
  const auto open = key.PublicJson();
  CHECK(open.has_value() == !key.is_symmetric());
  if (open) {
    CHECK(!open->as_object().contains("d") && !open->as_object().contains("k"));
    const auto half = Jwk::FromJson(*open);
    CHECK(half.has_value() && !half->is_private());
    CHECK(half->Thumbprint().value() == thumbprint);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = salus::AsText({data, size});
  if (const auto key = salus::jose::Jwk::Parse(text)) CheckKey(*key);
  if (const auto set = salus::jose::JwkSet::Parse(text)) {
    for (const auto& key : set->keys()) {
      if (key.key_id()) CHECK(set->Find(*key.key_id()) == &key);
      CheckKey(key);
    }
  }
  return 0;
}
