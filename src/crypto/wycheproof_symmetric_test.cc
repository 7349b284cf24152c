#include <gtest/gtest.h>

#include "crypto/aes_cmac.h"
#include "crypto/aes_eax.h"
#include "crypto/aes_gcm.h"
#include "crypto/aes_kw.h"
#include "crypto/chacha20_poly1305.h"
#include "crypto/hkdf.h"
#include "crypto/hmac.h"
#include "crypto/pbkdf2.h"
#include "crypto/secret_mint.h"
#include "crypto/wycheproof_runner.h"

namespace salus::crypto::testing {

namespace {

Bytes Revealed(const SecretBytes& secret) { return ToBytes(secret.view(CryptoSecrets::Token())); }

struct AeadCase {
  Bytes key, iv, aad, msg, sealed;
};

AeadCase ReadAead(Fields& test) {
  AeadCase c{test.HexBytes("key"), test.HexBytes("iv"), test.HexBytes("aad"), test.HexBytes("msg"),
             test.HexBytes("ct")};
  Append(c.sealed, test.HexBytes("tag"));
  return c;
}

void ExpectAeadSizes(WycheproofGroup& group) {
  group.fields().Ignore({"keySize", "ivSize"});  // the fields of each case tell
  EXPECT_EQ(group.fields().Number("tagSize"), 128);
}

// The nonce of another length can't even be passed: GcmNonce is a span of 12 bytes.
Outcome JudgeGcm(const AeadCase& c) {
  auto gcm = AesGcm::Create(ByteSpan(c.key));
  if (!gcm.has_value() || c.iv.size() != kGcmNonceSize) return Outcome::kRefused;
  Bytes opened(c.msg.size());
  if (c.sealed.size() != c.msg.size() + kGcmTagSize) return Outcome::kRefused;
  const auto result = gcm->Open(GcmNonce(c.iv), c.aad, c.sealed, opened);
  Bytes sealed(c.sealed.size());
  gcm->Seal(GcmNonce(c.iv), c.aad, c.msg, sealed);
  if (c.key.size() == 32) {
    AesGcmRekey rekey;
    const std::span<const std::uint8_t, 32> key(c.key);
    Bytes again(c.msg.size());
    EXPECT_EQ(rekey.Open(key, GcmNonce(c.iv), c.aad, c.sealed, again).has_value(),
              result.has_value());
    EXPECT_EQ(again, opened);
    Bytes sealed_again(c.sealed.size());
    rekey.Seal(key, GcmNonce(c.iv), c.aad, c.msg, sealed_again);
    EXPECT_EQ(sealed_again, sealed);
  }
  if (!result.has_value()) return Outcome::kRefused;
  return AcceptedIf(opened == c.msg && sealed == c.sealed);
}

void Gcm(WycheproofGroup& group) {
  ExpectAeadSizes(group);
  group.Each([](Fields& test) { return JudgeGcm(ReadAead(test)); });
}

// The stream, cut in two at each place of a short message in turn, says what the whole buffer does.
void ExpectEaxInPieces(const AeadCase& c, bool is_authentic) {
  const ByteSpan ciphertext = ByteSpan(c.sealed).first(c.sealed.size() - kEaxTagSize);
  const ByteSpan tag = ByteSpan(c.sealed).last(kEaxTagSize);
  for (std::size_t cut = 0; cut <= ciphertext.size(); ++cut) {
    auto check = AesEaxStream::Create(c.key, c.iv, c.aad);
    auto open = AesEaxStream::Create(c.key, c.iv, c.aad);
    auto seal = AesEaxStream::Create(c.key, c.iv, c.aad);
    check->Authenticate(ciphertext.first(cut));
    check->Authenticate(ciphertext.subspan(cut));
    EXPECT_EQ(Equal(check->Tag(), tag), is_authentic);
    Bytes text = ToBytes(ciphertext);
    const MutableByteSpan view(text);
    open->Open(view.first(cut), view.first(cut));
    open->Open(view.subspan(cut), view.subspan(cut));
    EXPECT_EQ(Equal(open->Tag(), tag), is_authentic);
    if (!is_authentic) continue;
    EXPECT_EQ(text, c.msg);
    seal->Seal(view.first(cut), view.first(cut));
    seal->Seal(view.subspan(cut), view.subspan(cut));
    EXPECT_TRUE(Equal(text, ciphertext) && Equal(seal->Tag(), tag));
  }
}

void Eax(WycheproofGroup& group) {
  ExpectAeadSizes(group);
  group.Each([](Fields& test) {
    const AeadCase c = ReadAead(test);
    const auto opened = AesEaxOpen(c.key, c.iv, c.aad, c.sealed);
    ExpectEaxInPieces(c, opened.has_value());
    if (!opened.has_value()) return Outcome::kRefused;
    return AcceptedIf(Revealed(*opened) == c.msg &&
                      AesEaxSeal(c.key, c.iv, c.aad, c.msg) == c.sealed);
  });
}

// The two implementations, libsodium's and OpenSSL's, give the same.
void ExpectChunksAgree(std::span<const std::uint8_t, 32> key,
                       std::span<const std::uint8_t, 12> nonce, ByteSpan sealed,
                       const Result<Bytes>& opened) {
  ChaCha20Poly1305Chunks chunks{SecretArray<32>(key)};
  Bytes out(sealed.size() < 16 ? 0 : sealed.size() - 16);
  EXPECT_EQ(chunks.Open(nonce, sealed, out).has_value(), opened.has_value());
  if (!opened.has_value()) return;
  EXPECT_EQ(out, *opened);
  Bytes again(sealed.size());
  chunks.Seal(nonce, out, again);
  EXPECT_TRUE(Equal(again, sealed));
}

void ChaCha(WycheproofGroup& group) {
  ExpectAeadSizes(group);
  group.Each([](Fields& test) {
    const AeadCase c = ReadAead(test);
    if (c.key.size() != 32 || c.iv.size() != 12) return Outcome::kRefused;
    const std::span<const std::uint8_t, 32> key(c.key);
    const std::span<const std::uint8_t, 12> nonce(c.iv);
    const auto opened = ChaCha20Poly1305Open(key, nonce, c.aad, c.sealed);
    if (c.aad.empty()) ExpectChunksAgree(key, nonce, c.sealed, opened);
    if (!opened.has_value()) return Outcome::kRefused;
    return AcceptedIf(*opened == c.msg &&
                      ChaCha20Poly1305Seal(key, nonce, c.aad, c.msg) == c.sealed);
  });
}

// A tag that is shorter than the algorithm's is compared as the caller would: by its length.
template <typename MacFunction>
void Macs(WycheproofGroup& group, MacFunction mac) {
  group.fields().Ignore({"keySize"});
  const auto tag_size = static_cast<std::size_t>(group.fields().Number("tagSize") / 8);
  group.Each([&](Fields& test) {
    const Bytes key = test.HexBytes("key");
    const Bytes message = test.HexBytes("msg");
    const Bytes tag = test.HexBytes("tag");
    const Result<Bytes> full = mac(ByteSpan(key), ByteSpan(message));
    if (!full.has_value()) return Outcome::kRefused;
    return ConstantTimeEqual(ByteSpan(*full).first(tag_size), tag) ? Outcome::kAccepted
                                                                   : Outcome::kRefused;
  });
}

void Cmac(WycheproofGroup& group) {
  Macs(group, [](ByteSpan key, ByteSpan message) -> Result<Bytes> {
    TRY(const auto tag, AesCmac(key, {message}));
    return ToBytes(tag);
  });
}
void Hmac256(WycheproofGroup& group) {
  Macs(group, [](ByteSpan key, ByteSpan message) -> Result<Bytes> {
    const HmacSha256Key prepared(key);
    const HmacSha256Key* const keys[] = {&prepared};
    Hash32 out[1];
    HmacSha256Many(keys, std::span(&message, 1), out);
    EXPECT_EQ(out[0], prepared.Mac(message));
    return ToBytes(out[0]);
  });
}
void Hmac384(WycheproofGroup& group) {
  Macs(group, [](ByteSpan key, ByteSpan message) -> Result<Bytes> {
    return ToBytes(HmacSha384(key, {message}));
  });
}
void Hmac512(WycheproofGroup& group) {
  Macs(group, [](ByteSpan key, ByteSpan message) -> Result<Bytes> {
    return ToBytes(HmacSha512(key, {message}));
  });
}

template <typename WrapFunction, typename UnwrapFunction>
void KeyWraps(WycheproofGroup& group, WrapFunction wrap, UnwrapFunction unwrap) {
  group.fields().Ignore({"keySize"});
  group.Each([&](Fields& test) {
    const Bytes key = test.HexBytes("key");
    const Bytes message = test.HexBytes("msg");
    const Bytes wrapped = test.HexBytes("ct");
    const Result<SecretBytes> opened = unwrap(key, wrapped);
    if (!opened.has_value()) return Outcome::kRefused;
    return AcceptedIf(Revealed(*opened) == message && wrap(key, message) == wrapped);
  });
}

void KeyWrap(WycheproofGroup& group) {
  KeyWraps(
      group, [](ByteSpan kek, ByteSpan key) { return AesKeyWrap(kek, key); },
      [](ByteSpan kek, ByteSpan wrapped) { return AesKeyUnwrap(kek, wrapped); });
}
void KeyWrapPadded(WycheproofGroup& group) {
  KeyWraps(group, AesKeyWrapPadded, AesKeyUnwrapPadded);
}

template <auto kHkdf>
void Hkdf(WycheproofGroup& group) {
  group.fields().Ignore({"keySize"});
  group.Each([](Fields& test) {
    Bytes out(static_cast<std::size_t>(test.Number("size")));
    const Bytes okm = test.HexBytes("okm");
    const auto result =
        kHkdf(test.HexBytes("ikm"), test.HexBytes("salt"), test.HexBytes("info"), out);
    if (!result.has_value()) return Outcome::kRefused;
    return AcceptedIf(out == okm);
  });
}

void Pbkdf2(WycheproofGroup& group) {
  group.Each([](Fields& test) {
    Bytes out(static_cast<std::size_t>(test.Number("dkLen")));
    const auto result =
        Pbkdf2HmacSha256(test.HexBytes("password"), test.HexBytes("salt"),
                         static_cast<std::uint32_t>(test.Number("iterationCount")), out);
    const Bytes expected = test.HexBytes("dk");
    if (!result.has_value()) return Outcome::kRefused;
    return AcceptedIf(out == expected);
  });
}

}  // namespace

WycheproofHandlers SymmetricHandlers() {
  return {{"aes_gcm_test.json", Gcm},
          {"aes_eax_test.json", Eax},
          {"aes_cmac_test.json", Cmac},
          {"aes_wrap_test.json", KeyWrap},
          {"aes_kwp_test.json", KeyWrapPadded},
          {"chacha20_poly1305_test.json", ChaCha},
          {"hmac_sha256_test.json", Hmac256},
          {"hmac_sha384_test.json", Hmac384},
          {"hmac_sha512_test.json", Hmac512},
          {"hkdf_sha256_test.json", Hkdf<HkdfSha256>},
          {"hkdf_sha384_test.json", Hkdf<HkdfSha384>},
          {"hkdf_sha512_test.json", Hkdf<HkdfSha512>},
          {"pbkdf2_hmacsha256_test.json", Pbkdf2}};
}

}  // namespace salus::crypto::testing
