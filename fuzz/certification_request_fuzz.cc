// A certification request that is accepted gives back its bytes, and one flipped bit in them is
// noticed.
#include <cstdint>

#include "base/bytes.h"
#include "base/check.h"
#include "pki/certification_request.h"

using salus::pki::CertificationRequest;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::ByteSpan input{data, size};
  auto request = CertificationRequest::FromDer(input);
  if (!request.has_value()) {
    request = CertificationRequest::FromPem(salus::AsText(input));
    if (!request.has_value()) return 0;
  }
  auto again = CertificationRequest::FromPem(request->ToPem());
  CHECK(again.has_value() && salus::Equal(again->der(), request->der()));
  if (request->subject().identity.has_value()) {
    CHECK(request->subject().identity->ToUri().has_value());
  }
  salus::Bytes touched = salus::ToBytes(request->der());
  touched[size % touched.size()] ^= 0x10;
  CHECK(!CertificationRequest::FromDer(touched).has_value());
  return 0;
}
