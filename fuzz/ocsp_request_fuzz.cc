// A request that is taken names certificates by hashes of the right length, and with a byte more or
// less is none. A responder says "malformed" to all others, the same to POST and to GET.
#include <cstdint>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "codec/base64.h"
#include "pki/ocsp_request.h"
#include "proxy/ocsp_responder.h"

using salus::pki::CertificateIdHash;
using salus::pki::OcspRequest;

namespace {

std::size_t SizeOf(CertificateIdHash hash, std::size_t otherwise) {
  switch (hash) {
    case CertificateIdHash::kSha1:
      return 20;
    case CertificateIdHash::kSha256:
      return 32;
    case CertificateIdHash::kSha384:
      return 48;
    case CertificateIdHash::kSha512:
      return 64;
    case CertificateIdHash::kOther:
      break;
  }
  return otherwise;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const salus::ByteSpan input{data, size};
  const auto request = OcspRequest::FromDer(input);
  static const salus::FakeClock clock{salus::Timestamp()};
  static const salus::proxy::OcspResponder responder{clock};
  const std::string answer = responder.Answer(input).body;
  CHECK(answer == salus::AsText(salus::pki::OcspFailureDer(
                      request ? salus::pki::OcspFailure::kUnauthorized
                              : salus::pki::OcspFailure::kMalformedRequest)));
  const auto got = responder.AnswerGet(std::string(salus::proxy::kOcspPath) + "/" +
                                       salus::codec::Base64Encode(input));
  CHECK(got.has_value() && got->body == answer);
  if (!request) return 0;
  CHECK(!request->certificates().empty());
  for (const salus::pki::CertificateId& id : request->certificates()) {
    CHECK(id.issuer_name_hash.size() == SizeOf(id.hash, id.issuer_name_hash.size()));
    CHECK(id.issuer_key_hash.size() == SizeOf(id.hash, id.issuer_key_hash.size()));
    CHECK(id.serial_number.empty() || id.serial_number.front() != 0);
  }
  salus::Bytes other(input.begin(), input.end());
  other.push_back(0);
  CHECK(!OcspRequest::FromDer(other));
  other.resize(size - 1);
  CHECK(!OcspRequest::FromDer(other));
  return 0;
}
