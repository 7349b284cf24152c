#include "crypto/pedersen.h"

#include <sodium.h>

#include "base/check.h"
#include "base/endian.h"
#include "crypto/secret_mint.h"
#include "crypto/sha512.h"
#include "crypto/sodium_start.h"

namespace salus::crypto {

namespace {

constexpr std::size_t kScalarBytes = crypto_core_ristretto255_SCALARBYTES;
static_assert(kScalarBytes == 32 && crypto_core_ristretto255_BYTES == 32);

}  // namespace

Result<PedersenCommitment> PedersenCommitment::FromBytes(ByteSpan bytes) {
  PedersenCommitment out;
  TRY(out.point_, RistrettoPoint::DecodeRooted(bytes));
  return out;
}

PedersenBlind PedersenBlind::Generate(RandomSource& random) {
  StartSodium();
  SecretArray<crypto_core_ristretto255_NONREDUCEDSCALARBYTES> wide;
  random.Fill(wide.mutable_view(CryptoSecrets::Token()));
  PedersenBlind out;
  crypto_core_ristretto255_scalar_reduce(out.scalar.mutable_view(CryptoSecrets::Token()).data(),
                                         wide.view(CryptoSecrets::Token()).data());
  return out;
}

Result<PedersenBlind> PedersenBlind::FromBytes(ByteSpan bytes) {
  if (bytes.size() != kScalarBytes) return InvalidArgument("a blind is 32 bytes");
  StartSodium();
  SecretArray<64> wide;
  const auto token = CryptoSecrets::Token();
  std::copy(bytes.begin(), bytes.end(), wide.mutable_view(token).begin());
  PedersenBlind out;
  crypto_core_ristretto255_scalar_reduce(out.scalar.mutable_view(token).data(),
                                         wide.view(token).data());
  if (!ConstantTimeEqual(out.scalar.view(token), bytes)) {
    return InvalidArgument("a blind is not below the order of ristretto255");
  }
  return out;
}

void PedersenBlind::Add(const PedersenBlind& other) {
  StartSodium();
  const auto token = CryptoSecrets::Token();
  const auto sum = scalar.mutable_view(token);
  crypto_core_ristretto255_scalar_add(sum.data(), sum.data(), other.scalar.view(token).data());
}

PedersenBase::PedersenBase(std::string_view label, std::size_t integers)
    : blind_table_(RistrettoPoint::Generator(), kScalarBytes) {
  StartSodium();
  for (std::size_t i = 0; i < integers; ++i) {
    std::array<std::uint8_t, 4> index;
    StoreBe(index.data(), static_cast<std::uint32_t>(i));
    const Hash64 hash = Sha512({AsBytes(label), index});
    std::array<std::uint8_t, crypto_core_ristretto255_BYTES> point;
    CHECK(crypto_core_ristretto255_from_hash(point.data(), hash.data()) == 0);
    tables_.emplace_back(*RistrettoPoint::Decode(point), kIntegerBytes);
  }
}

PedersenCommitment PedersenBase::Commit(ByteSpan values,
                                        std::span<const std::uint8_t, 32> blind) const {
  CHECK(values.size() == integers() * kIntegerBytes);
  std::vector<RistrettoTable::Term> terms = {{&blind_table_, blind}};
  for (const RistrettoTable& table : tables_) {
    terms.push_back({&table, values.first(kIntegerBytes)});
    values = values.subspan(kIntegerBytes);
  }
  return PedersenCommitment(RistrettoTable::SumOf(terms));
}

PedersenCommitment PedersenBase::Commit(const SecretBytes& values,
                                        const PedersenBlind& blind) const {
  const auto token = CryptoSecrets::Token();
  return Commit(values.view(token), blind.scalar.view(token));
}

Result<void> PedersenBase::VerifyOpening(const PedersenCommitment& commitment, ByteSpan values,
                                         ByteSpan blind) const {
  const auto scalar = PedersenBlind::FromBytes(blind);
  if (!scalar || values.size() != integers() * kIntegerBytes ||
      Commit(values, scalar->scalar.view(CryptoSecrets::Token())) != commitment) {
    return VerificationFailed("a commitment does not hold what it is opened to");
  }
  return {};
}

}  // namespace salus::crypto
