// What the outside vectors do not say about AES-GCM and key wrap: aliasing, reuse, refusals.
#include <gtest/gtest.h>

#include "base/random.h"
#include "crypto/aes_gcm.h"
#include "crypto/aes_kw.h"
#include "crypto/concat_kdf.h"
#include "crypto/secret_mint.h"
#include "crypto/vector_files.h"

namespace salus::crypto {
namespace {

using testing::Hex;
using testing::Unhex;

constexpr std::array<std::uint8_t, 12> kNonce = {1, 2, 3};

std::string Show(const Result<SecretBytes>& secret) {
  return secret.has_value() ? Hex(secret->view(CryptoSecrets::Token())) : secret.error().message;
}

// McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16 (AES-256, AAD).
TEST(AesGcmTest, McGrewViegaCase16) {
  const Bytes key = Unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const Bytes nonce = Unhex("cafebabefacedbaddecaf888");
  const Bytes aad = Unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const Bytes plaintext = Unhex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6"
      "b5"
      "25b16aedf5aa0de657ba637b39");
  const std::string sealed =
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b105682"
      "8838"
      "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b";
  auto gcm = AesGcm::Create(ByteSpan(key));
  ASSERT_TRUE(gcm.has_value());
  Bytes out(plaintext.size() + 16);
  gcm->Seal(GcmNonce(nonce), aad, plaintext, out);
  EXPECT_EQ(Hex(out), sealed);

  AesGcmRekey rekey;
  const std::span<const std::uint8_t, 32> fixed_key(key);
  for (int round = 0; round < 3; ++round) {
    const Bytes other(32, static_cast<std::uint8_t>(round));
    rekey.Seal(std::span<const std::uint8_t, 32>(other), kNonce, {}, plaintext, out);
    EXPECT_NE(Hex(out), sealed);
    rekey.Seal(fixed_key, GcmNonce(nonce), aad, plaintext, out);
    EXPECT_EQ(Hex(out), sealed);
    Bytes back(plaintext.size());
    ASSERT_TRUE(rekey.Open(fixed_key, GcmNonce(nonce), aad, out, back).has_value());
    EXPECT_EQ(back, plaintext);
    EXPECT_FALSE(
        rekey.Open(std::span<const std::uint8_t, 32>(other), GcmNonce(nonce), aad, out, back)
            .has_value());
    EXPECT_EQ(back, Bytes(plaintext.size(), 0)) << "a failed open leaves nothing behind";
  }
}

TEST(AesGcmTest, InPlace) {
  auto gcm = AesGcm::Create(ByteSpan(Bytes(32, 7)));
  ASSERT_TRUE(gcm.has_value());
  for (const std::size_t size : {0u, 1u, 15u, 16u, 17u, 300u}) {
    Bytes buffer(size + 16, 0x55);
    const Bytes plaintext(size, 0x55);
    gcm->Seal(kNonce, {}, ByteSpan(buffer).first(size), buffer);
    Bytes apart(size + 16);
    gcm->Seal(kNonce, {}, plaintext, apart);
    EXPECT_EQ(buffer, apart);
    ASSERT_TRUE(gcm->Open(kNonce, {}, buffer, MutableByteSpan(buffer).first(size)).has_value());
    EXPECT_TRUE(Equal(ByteSpan(buffer).first(size), plaintext));
  }
}

// The two come from different libraries where the CPU has AES instructions.
TEST(AesGcmTest, RekeyAgreesWithOneKeyAtEveryLengthAndAlignment) {
  SeededRandom random(1);
  AesGcmRekey rekey;
  for (std::size_t size = 0; size < 700; size += size < 300 ? 1 : 37) {
    Bytes key(32), aad(size % 97), plaintext(size), sealed(size + 16 + 1), expected(size + 16);
    random.Fill(key);
    random.Fill(aad);
    random.Fill(plaintext);
    const std::span<const std::uint8_t, 32> fixed_key(key);
    auto gcm = AesGcm::Create(ByteSpan(key));
    ASSERT_TRUE(gcm.has_value());
    gcm->Seal(kNonce, aad, plaintext, expected);
    const MutableByteSpan out = MutableByteSpan(sealed).subspan(1);
    rekey.Seal(fixed_key, kNonce, aad, plaintext, out);
    ASSERT_TRUE(Equal(out, expected)) << size;
    // In place, as AesGcm.
    ASSERT_TRUE(rekey.Open(fixed_key, kNonce, aad, out, out.first(size)).has_value()) << size;
    EXPECT_TRUE(Equal(out.first(size), plaintext)) << size;
    rekey.Seal(fixed_key, kNonce, aad, out.first(size), out);
    EXPECT_TRUE(Equal(out, expected)) << size;
    expected[random.Below(expected.size())] ^= 1;
    EXPECT_FALSE(rekey.Open(fixed_key, kNonce, aad, expected, plaintext).has_value()) << size;
    EXPECT_EQ(plaintext, Bytes(size)) << "a failed open leaves nothing behind";
  }
  EXPECT_FALSE(rekey.Open(std::span<const std::uint8_t, 32>(Bytes(32)), kNonce, {}, Bytes(15), {})
                   .has_value());
}

TEST(AesGcmTest, Refusals) {
  for (const std::size_t size : {0u, 15u, 24u, 31u, 33u}) {
    EXPECT_FALSE(AesGcm::Create(ByteSpan(Bytes(size))).has_value());
  }
  auto gcm = AesGcm::Create(ByteSpan(Bytes(16)));
  ASSERT_TRUE(gcm.has_value());
  const auto result = gcm->Open(kNonce, {}, Bytes(15), {});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kVerificationFailed);
}

// RFC 3394 section 4.3 and 4.6, RFC 5649 section 6 uses AES-192, so Wycheproof covers padding.
TEST(AesKeyWrapTest, Rfc3394) {
  const Bytes kek = Unhex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  const Bytes key = Unhex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f");
  const std::string wrapped =
      "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21";
  const auto short_wrapped = AesKeyWrap(ByteSpan(Unhex("000102030405060708090A0B0C0D0E0F")),
                                        ByteSpan(Unhex("00112233445566778899AABBCCDDEEFF")));
  ASSERT_TRUE(short_wrapped.has_value());
  EXPECT_EQ(Hex(*short_wrapped), "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5");
  auto wrapper = AesKeyWrapper::Create(ByteSpan(kek));
  ASSERT_TRUE(wrapper.has_value());
  for (int round = 0; round < 3; ++round) {
    const auto once = AesKeyWrap(ByteSpan(kek), ByteSpan(key));
    ASSERT_TRUE(once.has_value());
    EXPECT_EQ(Hex(*once), wrapped);
    const auto kept = wrapper->Wrap(ByteSpan(key));
    ASSERT_TRUE(kept.has_value());
    EXPECT_EQ(Hex(*kept), wrapped) << "round " << round;
    EXPECT_EQ(Show(AesKeyUnwrap(ByteSpan(kek), *once)), Hex(key));
    EXPECT_EQ(Show(wrapper->Unwrap(*once)), Hex(key)) << "round " << round;
    Bytes broken = *once;
    broken[static_cast<std::size_t>(round)] ^= 1;
    const auto refused = wrapper->Unwrap(broken);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::kVerificationFailed);
    for (const std::size_t size : {1u, 8u, 9u, 32u}) {
      const Bytes odd(size, 0xab);
      const auto padded = wrapper->WrapPadded(odd);
      ASSERT_TRUE(padded.has_value());
      EXPECT_EQ(Show(wrapper->UnwrapPadded(*padded)), Hex(odd));
      EXPECT_EQ(Show(AesKeyUnwrapPadded(kek, *padded)), Hex(odd));
      EXPECT_FALSE(wrapper->Unwrap(*padded).has_value());
    }
  }
}

TEST(AesKeyWrapTest, Refusals) {
  EXPECT_FALSE(AesKeyWrap(ByteSpan(Bytes(24)), ByteSpan(Bytes(16))).has_value());
  for (const std::size_t size : {0u, 8u, 15u, 17u, 4104u}) {
    EXPECT_FALSE(AesKeyWrap(ByteSpan(Bytes(32)), ByteSpan(Bytes(size))).has_value()) << size;
  }
  for (const std::size_t size : {0u, 8u, 16u, 25u, 4112u}) {
    EXPECT_FALSE(AesKeyUnwrap(ByteSpan(Bytes(32)), Bytes(size)).has_value()) << size;
  }
}

// RFC 7518 appendix C: apu "Alice", apv "Bob", A128GCM, a key of 128 bits.
TEST(ConcatKdfTest, Rfc7518AppendixC) {
  const Bytes z = {158, 86, 217, 29,  129, 113, 53,  211, 114, 131, 66,  131, 191, 132, 38,  156,
                   251, 49, 110, 163, 218, 128, 106, 72,  246, 218, 167, 121, 140, 254, 144, 196};
  Bytes other_info;
  for (const std::string_view part : {"A128GCM", "Alice", "Bob"}) {
    other_info.insert(other_info.end(), {0, 0, 0, static_cast<std::uint8_t>(part.size())});
    Append(other_info, AsBytes(part));
  }
  other_info.insert(other_info.end(), {0, 0, 0, 128});
  Bytes out(16);
  ConcatKdfSha256(z, other_info, out);
  EXPECT_EQ(testing::Unbase64Url("VqqN6vgjbSBcIijNcacQGg"), out);
}

}  // namespace
}  // namespace salus::crypto
