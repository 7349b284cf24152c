#include "crypto/sha512.h"

#include <span>

#include "base/check.h"
#include "crypto/openssl_handles.h"
#include "crypto/sha1.h"

namespace salus::crypto {

namespace {

template <std::size_t kSize>
std::array<std::uint8_t, kSize> HashParts(const EVP_MD* digest, std::span<const ByteSpan> parts) {
  thread_local const DigestContextPtr context(EVP_MD_CTX_new());
  CHECK(context && EVP_DigestInit_ex2(context.get(), digest, nullptr) == 1);
  for (const ByteSpan part : parts) {
    CHECK(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  }
  std::array<std::uint8_t, kSize> out;
  CHECK(EVP_DigestFinal_ex(context.get(), out.data(), nullptr) == 1);
  return out;
}

const EVP_MD* Fetched(const char* name) {
  const EVP_MD* digest = EVP_MD_fetch(nullptr, name, nullptr);
  CHECK(digest != nullptr);
  return digest;
}

}  // namespace

Hash64 Sha512(ByteSpan message) { return Sha512({message}); }

Hash64 Sha512(std::initializer_list<ByteSpan> parts) {
  static const EVP_MD* const digest = Fetched("SHA2-512");
  return HashParts<64>(digest, std::span(parts.begin(), parts.size()));
}

Hash48 Sha384(ByteSpan message) { return Sha384({message}); }

Hash48 Sha384(std::initializer_list<ByteSpan> parts) {
  static const EVP_MD* const digest = Fetched("SHA2-384");
  return HashParts<48>(digest, std::span(parts.begin(), parts.size()));
}

std::array<std::uint8_t, 20> Sha1(ByteSpan message) {
  static const EVP_MD* const digest = Fetched("SHA1");
  return HashParts<20>(digest, std::span(&message, 1));
}

}  // namespace salus::crypto
