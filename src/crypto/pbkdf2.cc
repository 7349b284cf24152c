#include "crypto/pbkdf2.h"

#include "base/check.h"
#include "crypto/openssl_handles.h"

namespace salus::crypto {

Result<void> Pbkdf2HmacSha256(ByteSpan passphrase, ByteSpan salt, std::uint32_t iterations,
                              MutableByteSpan out) {
  if (iterations == 0 || iterations > 10'000'000) {
    return InvalidArgument("PBKDF2 iterations are 1 to 10000000");
  }
  if (out.empty() || out.size() > 1 << 20) {
    return InvalidArgument("PBKDF2 gives 1 byte to 1 MiB");
  }
  static const DigestPtr digest(EVP_MD_fetch(nullptr, "SHA2-256", nullptr));
  CHECK(digest);
  CHECK(PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(passphrase.data()), SizeOf(passphrase),
                          salt.data(), SizeOf(salt), static_cast<int>(iterations), digest.get(),
                          SizeOf(out), out.data()) == 1);
  return {};
}

}  // namespace salus::crypto
