// ECDH and key generation work on EC_POINT, ECDSA on EVP_PKEY. In OpenSSL 3.0 making an EVP_PKEY
// (keygen, or import of a peer's point) costs more than the arithmetic, and one ephemeral key is
// made for each grant; EC_POINT_mul is what EVP's own derive calls, with the same constant-time
// nistz256 code, and is not deprecated.
#include "crypto/p256.h"

#include <mutex>

#include "base/check.h"
#include "base/random.h"
#include "crypto/ecdsa.h"
#include "crypto/openssl_handles.h"
#include "crypto/secret_mint.h"

namespace salus::crypto {

namespace {

const EC_GROUP* Group() {
  static const GroupPtr group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  CHECK(group);
  return group.get();
}

BN_CTX* Scratch() {
  thread_local const NumberContextPtr context(BN_CTX_secure_new());
  CHECK(context);
  return context.get();
}

NumberPtr NumberFrom(ByteSpan bytes) {
  NumberPtr number(BN_bin2bn(bytes.data(), SizeOf(bytes), nullptr));
  CHECK(number);
  BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  return number;
}

bool InRange(const BIGNUM* scalar) {
  return !BN_is_zero(scalar) && BN_cmp(scalar, EC_GROUP_get0_order(Group())) < 0;
}

// Where a fixed-length buffer is the curve's own 32 bytes.
PointPtr PointFrom(ByteSpan sec1) {
  PointPtr point(EC_POINT_new(Group()));
  CHECK(point);
  if (EC_POINT_oct2point(Group(), point.get(), sec1.data(), sec1.size(), Scratch()) != 1) {
    ForgetErrors();
    return nullptr;
  }
  return point;
}

}  // namespace

// The context for ECDSA is made when first needed: keys for ECDH never need one.
struct P256PublicKey::State {
  PointPtr point;
  std::array<std::uint8_t, 65> sec1;
  mutable std::once_flag once;
  mutable KeyContextPtr verifier;

  const EVP_PKEY_CTX* Verifier() const {
    std::call_once(once,
                   [this] { verifier = NewEcdsaVerifier(NewEcdsaKey("P-256", sec1, {}).get()); });
    return verifier.get();
  }

  static std::shared_ptr<const State> From(PointPtr from) {
    auto state = std::make_shared<State>();
    state->point = std::move(from);
    CHECK(EC_POINT_point2oct(Group(), state->point.get(), POINT_CONVERSION_UNCOMPRESSED,
                             state->sec1.data(), state->sec1.size(), Scratch()) == 65);
    return state;
  }
};

Result<P256PublicKey> P256PublicKey::FromSec1(ByteSpan bytes) {
  const bool uncompressed = bytes.size() == 65 && bytes[0] == 4;
  const bool compressed = bytes.size() == 33 && (bytes[0] == 2 || bytes[0] == 3);
  if (!uncompressed && !compressed) {
    return InvalidArgument("a P-256 point has 65 bytes (04 x y) or 33 bytes (02/03 x)");
  }
  PointPtr point = PointFrom(bytes);
  if (!point) return InvalidArgument("not a point of P-256");
  return P256PublicKey(State::From(std::move(point)));
}

Result<P256PublicKey> P256PublicKey::FromCoordinates(ByteSpan x, ByteSpan y) {
  if (x.size() != 32 || y.size() != 32) {
    return InvalidArgument("a P-256 coordinate has 32 bytes");
  }
  std::array<std::uint8_t, 65> bytes;
  bytes[0] = 4;
  std::memcpy(bytes.data() + 1, x.data(), 32);
  std::memcpy(bytes.data() + 33, y.data(), 32);
  return FromSec1(bytes);
}

const std::array<std::uint8_t, 65>& P256PublicKey::sec1() const { return state_->sec1; }

std::array<std::uint8_t, 33> P256PublicKey::sec1_compressed() const {
  std::array<std::uint8_t, 33> out;
  out[0] = static_cast<std::uint8_t>(2 + (state_->sec1[64] & 1));
  std::memcpy(out.data() + 1, state_->sec1.data() + 1, 32);
  return out;
}

std::span<const std::uint8_t, 32> P256PublicKey::x() const {
  return std::span(state_->sec1).subspan<1, 32>();
}
std::span<const std::uint8_t, 32> P256PublicKey::y() const {
  return std::span(state_->sec1).subspan<33, 32>();
}

Result<void> P256PublicKey::VerifyDer(ByteSpan message, ByteSpan signature) const {
  return EcdsaVerifyDigestDer(state_->Verifier(), Sha256(message), signature);
}

Result<void> P256PublicKey::VerifyP1363(ByteSpan message, ByteSpan signature) const {
  return VerifyDigest(Sha256(message), signature);
}

Result<void> P256PublicKey::VerifyDigest(const Hash32& digest, ByteSpan signature) const {
  if (signature.size() != 64) return VerificationFailed("ECDSA signature does not verify");
  return EcdsaVerifyDigestDer(state_->Verifier(), digest, EcdsaDerFromP1363(signature));
}

struct P256PrivateKey::State {
  NumberPtr scalar;
  P256PublicKey public_key;
  mutable std::once_flag once;
  mutable KeyPtr ecdsa;

  State(NumberPtr from_scalar, P256PublicKey from_public)
      : scalar(std::move(from_scalar)), public_key(std::move(from_public)) {}

  EVP_PKEY* Ecdsa() const {
    std::call_once(once, [this] {
      SecretArray<32> raw;
      const auto view = raw.mutable_view(CryptoSecrets::Token());
      CHECK(BN_bn2binpad(scalar.get(), view.data(), 32) == 32);
      ecdsa = NewEcdsaKey("P-256", public_key.sec1(), view);
    });
    return ecdsa.get();
  }
};

P256PrivateKey::P256PrivateKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
P256PrivateKey::P256PrivateKey(P256PrivateKey&&) noexcept = default;
P256PrivateKey& P256PrivateKey::operator=(P256PrivateKey&&) noexcept = default;
P256PrivateKey::~P256PrivateKey() = default;

P256PrivateKey P256PrivateKey::Generate() {
  SystemRandom random;
  SecretArray<32> raw;
  const auto view = raw.mutable_view(CryptoSecrets::Token());
  for (;;) {
    // FIPS 186-5 A.2.2, rejection sampling; a retry happens once in 2^32 calls.
    random.Fill(view);
    if (auto key = FromScalar(ByteSpan(view)); key.has_value()) return *std::move(key);
  }
}

Result<P256PrivateKey> P256PrivateKey::FromScalar(ByteSpan scalar) {
  if (scalar.size() != 32) return InvalidArgument("a P-256 private key has 32 bytes");
  NumberPtr number = NumberFrom(scalar);
  if (!InRange(number.get())) return InvalidArgument("a P-256 private key is in [1, n-1]");
  PointPtr point(EC_POINT_new(Group()));
  CHECK(point);
  CHECK(EC_POINT_mul(Group(), point.get(), number.get(), nullptr, nullptr, Scratch()) == 1);
  return P256PrivateKey(std::make_unique<State>(
      std::move(number), P256PublicKey(P256PublicKey::State::From(std::move(point)))));
}

Result<P256PrivateKey> P256PrivateKey::FromScalar(const SecretArray<32>& scalar) {
  return FromScalar(ByteSpan(scalar.view(CryptoSecrets::Token())));
}

const P256PublicKey& P256PrivateKey::public_key() const { return state_->public_key; }

SecretArray<32> P256PrivateKey::scalar() const {
  SecretArray<32> out;
  CHECK(BN_bn2binpad(state_->scalar.get(), out.mutable_view(CryptoSecrets::Token()).data(), 32) ==
        32);
  return out;
}

P256PrivateKey P256PrivateKey::Clone() const {
  NumberPtr copy(BN_dup(state_->scalar.get()));
  CHECK(copy);
  BN_set_flags(copy.get(), BN_FLG_CONSTTIME);
  return P256PrivateKey(std::make_unique<State>(std::move(copy), state_->public_key));
}

Result<SecretArray<32>> P256PrivateKey::Ecdh(const P256PublicKey& peer) const {
  const PointPtr shared(EC_POINT_new(Group()));
  const NumberPtr x(BN_new());
  CHECK(shared && x);
  if (EC_POINT_mul(Group(), shared.get(), nullptr, peer.state_->point.get(), state_->scalar.get(),
                   Scratch()) != 1 ||
      EC_POINT_get_affine_coordinates(Group(), shared.get(), x.get(), nullptr, Scratch()) != 1) {
    ForgetErrors();
    return Internal("P-256 key agreement failed");
  }
  SecretArray<32> out;
  CHECK(BN_bn2binpad(x.get(), out.mutable_view(CryptoSecrets::Token()).data(), 32) == 32);
  return out;
}

Bytes P256PrivateKey::SignDer(ByteSpan message) const {
  return EcdsaSignDer(state_->Ecdsa(), "SHA2-256", message);
}

P256Signature P256PrivateKey::SignP1363(ByteSpan message) const {
  const Bytes der = SignDer(message);
  P256Signature out;
  EcdsaP1363FromDer(der, out);
  return out;
}

P256Signature P256PrivateKey::SignDigest(const Hash32& digest) const {
  P256Signature out;
  EcdsaP1363FromDer(EcdsaSignDigestDer(state_->Ecdsa(), digest), out);
  return out;
}

}  // namespace salus::crypto
