#include "crypto/private_pem.h"

#include <openssl/pem.h>

#include <string_view>

#include "base/check.h"
#include "crypto/openssl_handles.h"

namespace salus::crypto {

namespace {

constexpr std::size_t kMaxFileSize = 32 * 1024;

Error Malformed() {
  ForgetErrors();
  return InvalidArgument("not a PEM file of one key");
}

}  // namespace

Result<PrivatePem> DecodePrivatePem(ByteSpan text) {
  if (text.size() > kMaxFileSize) return InvalidArgument("a PEM file of more than 32 KiB");
  const std::size_t start = AsText(text).find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || !AsText(text).substr(start).starts_with("-----BEGIN ")) {
    return Malformed();
  }
  const BioPtr bio(BIO_new_mem_buf(text.data(), SizeOf(text)));
  CHECK(bio);
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  if (PEM_read_bio(bio.get(), &name, &header, &data, &size) != 1) return Malformed();
  const std::string_view headers(header);
  const bool is_plain = headers.empty();
  const bool is_sealed = headers.find("Proc-Type: 4,ENCRYPTED") != std::string_view::npos;
  PrivatePem out{name, SecretBytes(ByteSpan(data, static_cast<std::size_t>(size)))};
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_clear_free(data, static_cast<std::size_t>(size));
  char* rest = nullptr;
  const long rest_size = BIO_get_mem_data(bio.get(), &rest);
  const std::string_view behind(rest, static_cast<std::size_t>(rest_size));
  if (behind.find_first_not_of(" \t\r\n") != std::string_view::npos) return Malformed();
  if (is_sealed) {
    return FailedPrecondition(
        "the key is encrypted in PEM's old way, which is weak and not read here: write it anew "
        "with openssl pkcs8 -topk8 -in KEY -out NEW");
  }
  if (!is_plain) return Malformed();
  return out;
}

SecretBytes EncodePrivatePem(const std::string& label, ByteSpan der) {
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  CHECK(bio);
  CHECK(PEM_write_bio(bio.get(), label.c_str(), "", der.data(), SizeOf(der)) > 0);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return SecretBytes(AsBytes(std::string_view(text, static_cast<std::size_t>(size))));
}

}  // namespace salus::crypto
