#include "aggregate/row_cipher.h"

#include <string>

#include "aggregate/share_access.h"

namespace salus::aggregate {
namespace {

constexpr std::size_t kOverhead = crypto::kGcmNonceSize + crypto::kGcmTagSize;

// A column's name holds no zero byte, so that no two places have the same aad.
Bytes PlaceOf(std::string_view column, ByteSpan row) {
  Bytes place = ToBytes(column);
  place.push_back(0);
  Append(place, row);
  return place;
}

}  // namespace

RowCipher::RowCipher(const SecretArray<32>& key, RandomSource& random)
    : gcm_(crypto::AesGcm::Create(key)), random_(random) {}

Bytes RowCipher::Seal(std::string_view column, ByteSpan row, const SecretBytes& secret) {
  Bytes sealed(secret.size() + kOverhead);
  const auto nonce = std::span(sealed).first<crypto::kGcmNonceSize>();
  random_.Fill(nonce);
  gcm_.Seal(nonce, PlaceOf(column, row), secret.view(ShareAccess::Token()),
            std::span(sealed).subspan(crypto::kGcmNonceSize));
  return sealed;
}

Result<SecretBytes> RowCipher::Open(std::string_view column, ByteSpan row, ByteSpan sealed) {
  const auto refusal = [&] {
    return Corruption("aggregate.db: " + std::string(column) +
                      " does not open: it was changed, or the key is another directory's");
  };
  if (sealed.size() < kOverhead) return refusal();
  SecretBytes secret(sealed.size() - kOverhead);
  const auto opened =
      gcm_.Open(sealed.first<crypto::kGcmNonceSize>(), PlaceOf(column, row),
                sealed.subspan(crypto::kGcmNonceSize), secret.mutable_view(ShareAccess::Token()));
  if (!opened) return refusal();
  return secret;
}

}  // namespace salus::aggregate
