#include "crypto/p384.h"

#include "base/check.h"
#include "crypto/ecdsa.h"
#include "crypto/openssl_handles.h"

namespace salus::crypto {

struct P384PublicKey::State {
  KeyPtr key;
};

Result<P384PublicKey> P384PublicKey::FromSec1(ByteSpan bytes) {
  static const GroupPtr group(EC_GROUP_new_by_curve_name(NID_secp384r1));
  CHECK(group);
  const bool uncompressed = bytes.size() == 97 && bytes[0] == 4;
  const bool compressed = bytes.size() == 49 && (bytes[0] == 2 || bytes[0] == 3);
  if (!uncompressed && !compressed) {
    return InvalidArgument("a P-384 point has 97 bytes (04 x y) or 49 bytes (02/03 x)");
  }
  const PointPtr point(EC_POINT_new(group.get()));
  CHECK(point);
  if (EC_POINT_oct2point(group.get(), point.get(), bytes.data(), bytes.size(), nullptr) != 1) {
    ForgetErrors();
    return InvalidArgument("not a point of P-384");
  }
  std::array<std::uint8_t, 97> sec1;
  CHECK(EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, sec1.data(),
                           sec1.size(), nullptr) == 97);
  return P384PublicKey(std::make_shared<State>(State{NewEcdsaKey("P-384", sec1, {})}));
}

Result<void> P384PublicKey::VerifyDer(ByteSpan message, ByteSpan signature) const {
  return EcdsaVerifyDer(state_->key.get(), "SHA2-384", message, signature);
}

}  // namespace salus::crypto
