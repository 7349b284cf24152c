#include "pki/pinned_key.h"

#include <openssl/asn1.h>
#include <openssl/err.h>

#include <variant>

#include "crypto/pkcs8.h"

namespace salus::pki {

namespace {

constexpr std::size_t kMaxCertificateBytes = std::size_t{64} << 10;

struct Element {
  int tag;
  int tag_class;
  ByteSpan whole;
  ByteSpan content;
};

// Takes the first element off bytes.
Result<Element> Take(ByteSpan& bytes) {
  const Error bad = InvalidArgument("certificate: is no DER where its key should be");
  if (bytes.empty()) return bad;
  Element out{};
  const std::uint8_t* cursor = bytes.data();
  long size = 0;
  const int kind =
      ASN1_get_object(&cursor, &size, &out.tag, &out.tag_class, static_cast<long>(bytes.size()));
  constexpr int kFailed = 0x80, kIndefinite = 0x01;
  if ((kind & (kFailed | kIndefinite)) != 0) {
    ERR_clear_error();
    return bad;
  }
  const auto head = static_cast<std::size_t>(cursor - bytes.data());
  out.content = bytes.subspan(head, static_cast<std::size_t>(size));
  out.whole = bytes.first(head + out.content.size());
  bytes = bytes.subspan(out.whole.size());
  return out;
}

Result<ByteSpan> TakeSequence(ByteSpan& bytes) {
  TRY(const Element element, Take(bytes));
  if (element.tag != V_ASN1_SEQUENCE || element.tag_class != V_ASN1_UNIVERSAL) {
    return InvalidArgument("certificate: has no sequence where its key should be");
  }
  return element.content;
}

}  // namespace

Result<crypto::P256PublicKey> PinnedP256Key(ByteSpan certificate_der) {
  if (certificate_der.size() > kMaxCertificateBytes) {
    return InvalidArgument("certificate: larger than 64 KiB");
  }
  TRY(ByteSpan certificate, TakeSequence(certificate_der));
  if (!certificate_der.empty()) return InvalidArgument("certificate: something follows it");
  TRY(ByteSpan rest, TakeSequence(certificate));
  TRY(const Element first, Take(rest));  // the version, [0], which may be absent
  if (first.tag_class == V_ASN1_CONTEXT_SPECIFIC) TRY_VOID(Take(rest));  // serial number
  for (const char* passed : {"signature", "issuer", "validity", "subject"}) {
    if (const auto content = TakeSequence(rest); !content) {
      return Error(content.error()).WithContext(passed);
    }
  }
  TRY(const Element key_info, Take(rest));
  const auto key = crypto::DecodePublicKeyDer(key_info.whole);
  if (!key) return Error(key.error()).WithContext("certificate");
  if (const auto* p256 = std::get_if<crypto::P256PublicKey>(&*key)) return *p256;
  return FailedPrecondition("the certificate's key is not a P-256 key");
}

}  // namespace salus::pki
