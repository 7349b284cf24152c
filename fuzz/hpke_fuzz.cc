// A sealed message opens, to as many bytes, and with anything of it edited it does not open.
//
// Input: byte 0 chooses the key mechanism and the AEAD, byte 1 what is edited, bytes 2 and 3 where,
// byte 4 by what; then the message.
#include <array>

#include "base/check.h"
#include "base/random.h"
#include "crypto/hpke.h"
#include "fuzz_input.h"

namespace salus::crypto {
namespace {

struct Sealed {
  Bytes encapsulated_key, ciphertext, info, aad;
};

void CheckOne(ByteSpan data) {
  fuzz::Input input(data);
  const std::uint8_t choice = input.U8();
  const HpkeKem kem = (choice & 1) != 0 ? HpkeKem::kP256HkdfSha256 : HpkeKem::kX25519HkdfSha256;
  constexpr std::array kAeads = {HpkeAead::kAes128Gcm, HpkeAead::kAes256Gcm,
                                 HpkeAead::kChaCha20Poly1305};
  const HpkeAead aead = kAeads[(choice >> 1) % kAeads.size()];
  const std::uint8_t part = input.U8();
  std::size_t at = input.U8() * 256u;
  at += input.U8();
  const std::uint8_t byte = input.U8();

  SeededRandom random(1);
  const HpkePrivateKey key = HpkePrivateKey::Generate(kem, random);
  Sealed sealed{.encapsulated_key = {}, .ciphertext = {}, .info = {1, 2}, .aad = {3, 4, 5}};
  const HpkeSealed made =
      HpkeSeal(key.public_key(), aead, sealed.info, sealed.aad, input.Rest(), random).value();
  sealed.encapsulated_key = made.encapsulated_key;
  sealed.ciphertext = made.ciphertext;
  Bytes* const parts[] = {&sealed.encapsulated_key, &sealed.ciphertext, &sealed.info, &sealed.aad};
  Bytes& edited = *parts[part % 4];
  bool is_edited = byte != 0;
  switch (part / 4 % 3) {
    case 0:
      edited[at % edited.size()] ^= byte;
      break;
    case 1:
      edited.push_back(byte);
      is_edited = true;
      break;
    default:
      edited.resize(at % edited.size());
      is_edited = true;
  }
  const auto opened =
      HpkeOpen(key, sealed.encapsulated_key, aead, sealed.info, sealed.aad, sealed.ciphertext);
  CHECK(opened.has_value() == !is_edited);
  if (!is_edited) CHECK(opened->size() == input.Rest().size());
}

}  // namespace
}  // namespace salus::crypto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::crypto::CheckOne({data, size});
  return 0;
}
