#include "crypto/aes_cmac.h"

#include "base/check.h"
#include "crypto/openssl_handles.h"

namespace salus::crypto {

using MacPtr = CHandle<EVP_MAC, EVP_MAC_free>;
using MacContextPtr = CHandle<EVP_MAC_CTX, EVP_MAC_CTX_free>;

Result<std::array<std::uint8_t, 16>> AesCmac(ByteSpan key, std::initializer_list<ByteSpan> parts) {
  char cipher[] = "AES-128-CBC";
  if (key.size() == 24) std::memcpy(cipher, "AES-192", 7);
  if (key.size() == 32) std::memcpy(cipher, "AES-256", 7);
  if (key.size() != 16 && key.size() != 24 && key.size() != 32) {
    return InvalidArgument("an AES key has 16, 24 or 32 bytes");
  }
  static const MacPtr mac(EVP_MAC_fetch(nullptr, "CMAC", nullptr));
  const MacContextPtr context(EVP_MAC_CTX_new(mac.get()));
  CHECK(mac && context);
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
                               OSSL_PARAM_construct_end()};
  CHECK(EVP_MAC_init(context.get(), key.data(), key.size(), params) == 1);
  for (const ByteSpan part : parts) {
    CHECK(EVP_MAC_update(context.get(), part.data(), part.size()) == 1);
  }
  std::array<std::uint8_t, 16> out;
  std::size_t size = 0;
  CHECK(EVP_MAC_final(context.get(), out.data(), &size, out.size()) == 1 && size == out.size());
  return out;
}

}  // namespace salus::crypto
