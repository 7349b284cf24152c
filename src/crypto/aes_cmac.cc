#include "crypto/aes_cmac.h"

#include "base/check.h"
#include "crypto/openssl_handles.h"

namespace salus::crypto {

using MacPtr = CHandle<EVP_MAC, EVP_MAC_free>;
using MacContextPtr = CHandle<EVP_MAC_CTX, EVP_MAC_CTX_free>;

struct AesCmacStream::Context {
  MacContextPtr mac;
};

AesCmacStream::AesCmacStream(std::unique_ptr<Context> context) : context_(std::move(context)) {}
AesCmacStream::AesCmacStream(AesCmacStream&&) noexcept = default;
AesCmacStream& AesCmacStream::operator=(AesCmacStream&&) noexcept = default;
AesCmacStream::~AesCmacStream() = default;

Result<AesCmacStream> AesCmacStream::Create(ByteSpan key) {
  char cipher[] = "AES-128-CBC";
  if (key.size() == 24) std::memcpy(cipher, "AES-192", 7);
  if (key.size() == 32) std::memcpy(cipher, "AES-256", 7);
  if (key.size() != 16 && key.size() != 24 && key.size() != 32) {
    return InvalidArgument("an AES key has 16, 24 or 32 bytes");
  }
  static const MacPtr mac(EVP_MAC_fetch(nullptr, "CMAC", nullptr));
  CHECK(mac);
  MacContextPtr context(EVP_MAC_CTX_new(mac.get()));
  CHECK(context);
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
                               OSSL_PARAM_construct_end()};
  CHECK(EVP_MAC_init(context.get(), key.data(), key.size(), params) == 1);
  return AesCmacStream(std::make_unique<Context>(std::move(context)));
}

void AesCmacStream::Update(ByteSpan piece) {
  CHECK(EVP_MAC_update(context_->mac.get(), piece.data(), piece.size()) == 1);
}

std::array<std::uint8_t, 16> AesCmacStream::Finish() {
  std::array<std::uint8_t, 16> out;
  std::size_t size = 0;
  CHECK(EVP_MAC_final(context_->mac.get(), out.data(), &size, out.size()) == 1 &&
        size == out.size());
  return out;
}

Result<std::array<std::uint8_t, 16>> AesCmac(ByteSpan key, std::initializer_list<ByteSpan> parts) {
  TRY(AesCmacStream stream, AesCmacStream::Create(key));
  for (const ByteSpan part : parts) stream.Update(part);
  return stream.Finish();
}

}  // namespace salus::crypto
