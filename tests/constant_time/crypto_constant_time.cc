// TurboSHAKE128, Pedersen's commitments and HPKE's key schedule with secrets that valgrind follows.
// What libsodium does with an X25519 key is its own claim, and its answer (a secret of zeros or
// not) is branched on: HPKE is followed from its pre-shared secret on.
#include <cstdio>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "crypto/hpke.h"
#include "crypto/pedersen.h"
#include "crypto/secret_mint.h"
#include "crypto/turboshake128.h"
#include "crypto/turboshake128_lanes.h"
#include "secret_marks.h"

namespace salus::crypto {
namespace {

using salus::testing::MarkPublic;
using salus::testing::MarkSecret;

// Use lets the program depend on bytes that are public by now.
int Use(ByteSpan bytes) {
  MarkPublic(bytes);
  int sum = 0;
  for (const std::uint8_t b : bytes) sum += b;
  return sum > 0 ? 0 : 1;
}

int TurboShake() {
  Bytes secret(500, 1);
  MarkSecret(secret);
  TurboShake128 shake(1);
  shake.Absorb(ByteSpan(secret).first(3));
  shake.Absorb(ByteSpan(secret).subspan(3));
  Bytes out(400);
  shake.Squeeze(MutableByteSpan(out).first(5));
  shake.Squeeze(MutableByteSpan(out).subspan(5));
  return Use(out);
}

int Lanes() {
  std::vector<Bytes> secrets(7, Bytes(500, 1));
  std::vector<Bytes> outs(7, Bytes(400));
  std::vector<ByteSpan> views;
  std::vector<MutableByteSpan> out_views;
  for (std::size_t l = 0; l < 7; ++l) {
    MarkSecret(secrets[l]);
    views.emplace_back(secrets[l]);
    out_views.emplace_back(outs[l]);
  }
  TurboShake128Lanes shake(7, 1);
  shake.AbsorbSame(AsBytes("public"));
  shake.Absorb(views);
  shake.Squeeze(out_views);
  int result = 0;
  for (const Bytes& out : outs) result |= Use(out);
  return result;
}

int Hpke() {
  SystemRandom random;
  int result = 0;
  for (const HpkeAead aead :
       {HpkeAead::kAes128Gcm, HpkeAead::kAes256Gcm, HpkeAead::kChaCha20Poly1305}) {
    Bytes bytes(32, 1);
    MarkSecret(bytes);
    const SecretBytes secret{ByteSpan(bytes)};
    const HpkePreShared pre_shared{&secret, AsBytes("name")};
    const auto key = HpkePrivateKey::Generate(HpkeKem::kX25519HkdfSha256, random);
    auto sender = HpkeSender::Create(key.public_key(), aead, AsBytes("info"),
                                     {.pre_shared = &pre_shared}, random);
    CHECK(sender.has_value());
    Bytes plaintext(100, 1);
    MarkSecret(plaintext);
    const auto sealed = sender->Seal(AsBytes("aad"), plaintext);
    CHECK(sealed.has_value());
    result |= Use(*sealed);
  }
  return result;
}

int Pedersen() {
  SystemRandom random;
  const PedersenBase base("constant time", 2);
  Bytes values(2 * PedersenBase::kIntegerBytes, 0x81);
  MarkSecret(values);
  const PedersenBlind blind = PedersenBlind::Generate(random);
  MarkSecret(blind.scalar.view(CryptoSecrets::Token()));
  return Use(base.Commit(SecretBytes(values), blind).bytes());
}

int Canary() {
  Bytes secret(1, 1);
  MarkSecret(secret);
  return secret[0] == 1 ? 0 : 1;
}

}  // namespace
}  // namespace salus::crypto

int main(int argc, char** argv) {
  if (!salus::testing::HasMarks()) return 77;
  const std::string_view name = argc > 1 ? argv[1] : "";
  if (name == "turboshake") return salus::crypto::TurboShake();
  if (name == "lanes") return salus::crypto::Lanes();
  if (name == "hpke") return salus::crypto::Hpke();
  if (name == "pedersen") return salus::crypto::Pedersen();
  if (name == "canary") return salus::crypto::Canary();
  std::fputs("which case?\n", stderr);
  return 2;
}
