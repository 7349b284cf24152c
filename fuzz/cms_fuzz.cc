// A CMS signature that holds names a signer whose certificate came inside, and holds over its
// content only.
#include <cstdint>

#include "base/check.h"
#include "pki/cms.h"

namespace {

salus::Result<salus::pki::CmsSignature> Verify(salus::ByteSpan file, std::string_view content) {
  TRY(salus::pki::CmsVerifier verifier, salus::pki::CmsVerifier::Parse(file));
  verifier.Update(salus::AsBytes(content));
  return verifier.Finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const salus::ByteSpan file{data, size};
  const auto verified = Verify(file, "content");
  if (!verified.has_value()) return 0;
  CHECK(!verified->certificates.empty());
  CHECK(verified->certificates.front().public_key().has_value());
  CHECK(!verified->algorithm.empty());
  CHECK(!Verify(file, "Content").has_value());
  return 0;
}
