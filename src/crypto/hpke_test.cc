// RFC 9180's vectors, all four modes, each intermediate value; and what must be refused.
#include <gtest/gtest.h>

#include "base/random.h"
#include "crypto/hpke.h"
#include "crypto/hpke_schedule.h"
#include "crypto/secret_mint.h"
#include "crypto/vector_files.h"

namespace salus::crypto {
namespace {

using testing::Hex;
using testing::Unhex;

// GivenBytes hands out the bytes of a vector, once.
class GivenBytes final : public RandomSource {
 public:
  explicit GivenBytes(Bytes bytes) : bytes_(std::move(bytes)) {}
  void Fill(MutableByteSpan out) override {
    ASSERT_EQ(out.size(), bytes_.size());
    std::copy(bytes_.begin(), bytes_.end(), out.begin());
    bytes_.clear();
  }

 private:
  Bytes bytes_;
};

template <typename Secret>
std::string HexOf(const Secret& secret) {
  return Hex(secret.view(CryptoSecrets::Token()));
}

// A key pair of a vector: what is derived from its input, and what its private bytes say.
HpkePrivateKey PairOf(testing::Fields& fields, HpkeKem kem, const std::string& name) {
  auto derived = HpkePrivateKey::Derive(kem, SecretBytes(fields.HexBytes("ikm" + name)));
  EXPECT_TRUE(derived.has_value());
  const std::string private_hex = fields.Text("sk" + name + "m");
  EXPECT_EQ(HexOf(derived->bytes()), private_hex);
  const Bytes private_bytes = Unhex(private_hex);
  auto key = HpkePrivateKey::FromBytes(
      kem, SecretArray<32>(std::span<const std::uint8_t, 32>(private_bytes)));
  EXPECT_TRUE(key.has_value());
  EXPECT_EQ(Hex(key->public_key().Encode()), fields.Text("pk" + name + "m"));
  return *std::move(key);
}

struct Vector {
  explicit Vector(const boost::json::object& object) : fields(object) {}
  testing::Fields fields;
  std::string where;
  HpkeKem kem{};
  HpkeAead aead{};
  std::uint8_t mode = 0;
  Bytes info;
  Bytes encapsulated_key;
  SecretBytes psk;
  Bytes psk_id;
};

void CheckSchedule(Vector& v, const SecretArray<32>& shared) {
  EXPECT_EQ(HexOf(shared), v.fields.Text("shared_secret")) << v.where;
  const auto context = HpkeScheduleContext(v.kem, v.aead, v.mode, v.psk_id, v.info);
  EXPECT_EQ(Hex(context), v.fields.Text("key_schedule_context")) << v.where;
  const HpkeLabels labels(v.kem, v.aead);
  const SecretArray<32> secret =
      HpkeScheduleSecret(labels, shared, v.psk.empty() ? nullptr : &v.psk);
  EXPECT_EQ(HexOf(secret), v.fields.Text("secret")) << v.where;
  const HpkeKeys keys = HpkeSchedule(labels, v.aead, secret, context);
  EXPECT_EQ(Hex(keys.key.view(CryptoSecrets::Token()).first(HpkeKeySize(v.aead))),
            v.fields.Text("key"))
      << v.where;
  const bool has_nonce = v.aead != HpkeAead::kExportOnly;
  EXPECT_EQ(has_nonce ? Hex(keys.base_nonce) : "", v.fields.Text("base_nonce")) << v.where;
  EXPECT_EQ(HexOf(keys.exporter_secret), v.fields.Text("exporter_secret")) << v.where;
}

// The file has messages 0, 1, 2, 255 and 256; those between are sealed and opened too.
void CheckMessages(Vector& v, HpkeSender& sender, HpkeRecipient& recipient,
                   const std::string& base_nonce) {
  std::uint64_t sequence = 0;
  for (const auto& value : v.fields.At("encryptions").as_array()) {
    testing::Fields message(value.as_object());
    const Bytes aad = message.HexBytes("aad");
    const Bytes plaintext = message.HexBytes("pt");
    const std::string number = std::string(AsText(aad)).substr(std::string("Count-").size());
    for (; std::to_string(sequence) != number; ++sequence) {
      const auto between = sender.Seal({}, {});
      ASSERT_TRUE(between.has_value());
      ASSERT_TRUE(recipient.Open({}, *between).has_value());
    }
    Bytes nonce = Unhex(base_nonce);
    nonce[11] ^= static_cast<std::uint8_t>(sequence);
    nonce[10] ^= static_cast<std::uint8_t>(sequence >> 8);
    EXPECT_EQ(Hex(nonce), message.Text("nonce"));
    const auto sealed = sender.Seal(aad, plaintext);
    ASSERT_TRUE(sealed.has_value());
    EXPECT_EQ(Hex(*sealed), message.Text("ct")) << v.where << " message " << number;
    EXPECT_FALSE(recipient.Open({}, *sealed).has_value());
    const auto opened = recipient.Open(aad, *sealed);
    ASSERT_TRUE(opened.has_value()) << v.where << " message " << number;
    EXPECT_EQ(HexOf(*opened), Hex(plaintext));
    ++sequence;
    message.ExpectAllRead(v.where);
  }
}

void CheckExports(Vector& v, const HpkeSender& sender, const HpkeRecipient& recipient) {
  for (const auto& value : v.fields.At("exports").as_array()) {
    testing::Fields one(value.as_object());
    const Bytes context = one.HexBytes("exporter_context");
    const auto size = static_cast<std::size_t>(one.Number("L"));
    const std::string want = one.Text("exported_value");
    const auto of_sender = sender.Export(context, size);
    const auto of_recipient = recipient.Export(context, size);
    ASSERT_TRUE(of_sender.has_value() && of_recipient.has_value());
    EXPECT_EQ(HexOf(*of_sender), want) << v.where;
    EXPECT_EQ(HexOf(*of_recipient), want) << v.where;
    one.ExpectAllRead(v.where);
  }
}

void CheckVector(const boost::json::object& object) {
  Vector v(object);
  const auto kem = ParseHpkeKem(static_cast<std::uint16_t>(v.fields.Number("kem_id")));
  const auto aead = ParseHpkeAead(static_cast<std::uint16_t>(v.fields.Number("aead_id")));
  ASSERT_TRUE(kem.has_value() && aead.has_value());
  ASSERT_TRUE(ParseHpkeKdf(static_cast<std::uint16_t>(v.fields.Number("kdf_id"))).has_value());
  v.kem = *kem;
  v.aead = *aead;
  v.mode = static_cast<std::uint8_t>(v.fields.Number("mode"));
  v.where = std::to_string(v.mode) + "/" + std::to_string(v.fields.Number("kem_id")) + "/" +
            std::to_string(v.fields.Number("aead_id"));
  v.info = v.fields.HexBytes("info");
  v.encapsulated_key = v.fields.HexBytes("enc");
  const bool has_psk = v.mode == 1 || v.mode == 3;
  ASSERT_EQ(v.fields.Has("psk"), has_psk);
  if (has_psk) {
    v.psk = SecretBytes(v.fields.HexBytes("psk"));
    v.psk_id = v.fields.HexBytes("psk_id");
  }
  const HpkePreShared pre_shared{&v.psk, v.psk_id};
  const HpkePrivateKey recipient_key = PairOf(v.fields, v.kem, "R");
  const HpkePrivateKey ephemeral = PairOf(v.fields, v.kem, "E");
  EXPECT_EQ(ephemeral.public_key().Encode(), v.encapsulated_key);
  std::optional<HpkePrivateKey> sender_key;
  if (v.mode >= 2) sender_key = PairOf(v.fields, v.kem, "S");

  const auto shared = HpkeDecapsulate(recipient_key, v.encapsulated_key,
                                      sender_key ? &sender_key->public_key() : nullptr);
  ASSERT_TRUE(shared.has_value());
  CheckSchedule(v, *shared);

  GivenBytes random(v.fields.HexBytes("skEm"));
  HpkeSender::Proof of_sender;
  HpkeRecipient::Proof of_recipient;
  if (sender_key) of_sender.sender = &*sender_key;
  if (sender_key) of_recipient.sender = &sender_key->public_key();
  if (has_psk) of_sender.pre_shared = of_recipient.pre_shared = &pre_shared;
  auto sender = HpkeSender::Create(recipient_key.public_key(), v.aead, v.info, of_sender, random);
  ASSERT_TRUE(sender.has_value());
  EXPECT_EQ(sender->encapsulated_key(), v.encapsulated_key);
  auto recipient =
      HpkeRecipient::Create(recipient_key, v.encapsulated_key, v.aead, v.info, of_recipient);
  ASSERT_TRUE(recipient.has_value());
  CheckMessages(v, *sender, *recipient, v.fields.Text("base_nonce"));
  CheckExports(v, *sender, *recipient);
  if (v.mode == 0 && v.aead != HpkeAead::kExportOnly) {
    const auto& first = v.fields.At("encryptions").as_array().at(0).as_object();
    const auto opened =
        HpkeOpen(recipient_key, v.encapsulated_key, v.aead, v.info,
                 Unhex(first.at("aad").as_string()), Unhex(first.at("ct").as_string()));
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(HexOf(*opened), std::string(first.at("pt").as_string()));
  }
  v.fields.ExpectAllRead(v.where);
}

TEST(HpkeTest, Rfc9180) {
  SKIP_WITHOUT_VECTORS("research/rfc9180_hpke");
  const auto file = testing::ReadJsonFile(testing::VectorFolder() / "research" / "rfc9180_hpke" /
                                          "test-vectors_trimmed_x25519_p256_hkdfsha256.json");
  ASSERT_EQ(file.as_array().size(), 32);
  for (const auto& value : file.as_array()) CheckVector(value.as_object());
}

class HpkeSuiteTest : public ::testing::TestWithParam<std::tuple<HpkeKem, HpkeAead>> {
 protected:
  HpkeKem kem() const { return std::get<0>(GetParam()); }
  HpkeAead aead() const { return std::get<1>(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(
    Suites, HpkeSuiteTest,
    ::testing::Combine(::testing::Values(HpkeKem::kX25519HkdfSha256, HpkeKem::kP256HkdfSha256),
                       ::testing::Values(HpkeAead::kAes128Gcm, HpkeAead::kAes256Gcm,
                                         HpkeAead::kChaCha20Poly1305)));

TEST_P(HpkeSuiteTest, WhatIsChangedDoesNotOpen) {
  SystemRandom random;
  const HpkePrivateKey key = HpkePrivateKey::Generate(kem(), random);
  const Bytes info = ToBytes("info"), aad = ToBytes("aad");
  for (const std::size_t size : {0u, 1u, 100u}) {
    const SecretBytes plaintext(size);
    const auto sealed = HpkeSeal(key.public_key(), aead(), info, aad, plaintext, random);
    ASSERT_TRUE(sealed.has_value());
    EXPECT_EQ(sealed->ciphertext.size(), size + 16);
    const auto open = [&](const Bytes& encapsulated_key, const Bytes& with_info,
                          const Bytes& with_aad, const Bytes& ciphertext) {
      const auto opened = HpkeOpen(key, encapsulated_key, aead(), with_info, with_aad, ciphertext);
      if (!opened.has_value()) {
        EXPECT_EQ(opened.error().code, ErrorCode::kVerificationFailed);
      }
      return opened.has_value();
    };
    EXPECT_TRUE(open(sealed->encapsulated_key, info, aad, sealed->ciphertext));
    EXPECT_FALSE(open(sealed->encapsulated_key, ToBytes("inf0"), aad, sealed->ciphertext));
    EXPECT_FALSE(open(sealed->encapsulated_key, info, {}, sealed->ciphertext));
    for (std::size_t i = 0; i < sealed->ciphertext.size(); ++i) {
      Bytes changed = sealed->ciphertext;
      changed[i] ^= 0x10;
      EXPECT_FALSE(open(sealed->encapsulated_key, info, aad, changed));
      changed.resize(i);
      EXPECT_FALSE(open(sealed->encapsulated_key, info, aad, changed));
    }
    for (std::size_t i = 0; i < sealed->encapsulated_key.size(); ++i) {
      Bytes changed = sealed->encapsulated_key;
      changed[i] ^= 0x10;
      EXPECT_FALSE(open(changed, info, aad, sealed->ciphertext));
      changed.resize(i);
      EXPECT_FALSE(open(changed, info, aad, sealed->ciphertext));
    }
  }
}

TEST(HpkeTest, AnotherSenderOrSecretDoesNotOpen) {
  SystemRandom random;
  const HpkeKem kem = HpkeKem::kX25519HkdfSha256;
  const HpkePrivateKey key = HpkePrivateKey::Generate(kem, random);
  const HpkePrivateKey sender_key = HpkePrivateKey::Generate(kem, random);
  const HpkePrivateKey other_key = HpkePrivateKey::Generate(kem, random);
  const SecretBytes secret(32), other_secret{Bytes(32, 1)}, short_secret(31);
  const HpkePreShared pre_shared{&secret, AsBytes("name")};
  const HpkePreShared other_value{&other_secret, AsBytes("name")};
  const HpkePreShared other_name{&secret, AsBytes("nam3")};
  auto sender = HpkeSender::Create(key.public_key(), HpkeAead::kAes128Gcm, {},
                                   {.sender = &sender_key, .pre_shared = &pre_shared}, random);
  ASSERT_TRUE(sender.has_value());
  const auto sealed = sender->Seal({}, AsBytes("message"));
  ASSERT_TRUE(sealed.has_value());
  const auto opens = [&](const HpkePublicKey* from, const HpkePreShared* with) {
    auto recipient = HpkeRecipient::Create(key, sender->encapsulated_key(), HpkeAead::kAes128Gcm,
                                           {}, {.sender = from, .pre_shared = with});
    return recipient.has_value() && recipient->Open({}, *sealed).has_value();
  };
  EXPECT_TRUE(opens(&sender_key.public_key(), &pre_shared));
  EXPECT_FALSE(opens(&other_key.public_key(), &pre_shared));
  EXPECT_FALSE(opens(nullptr, &pre_shared));
  EXPECT_FALSE(opens(&sender_key.public_key(), nullptr));
  EXPECT_FALSE(opens(&sender_key.public_key(), &other_value));
  EXPECT_FALSE(opens(&sender_key.public_key(), &other_name));
  const HpkePreShared too_short{&short_secret, AsBytes("name")};
  const HpkePreShared nameless{&secret, {}};
  for (const HpkePreShared* bad : {&too_short, &nameless}) {
    const auto refused =
        HpkeSender::Create(key.public_key(), HpkeAead::kAes128Gcm, {}, {.pre_shared = bad}, random);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(HpkeTest, BadKeysAreRefused) {
  SystemRandom random;
  const auto refused = [](HpkeKem kem, const Bytes& bytes) {
    return !HpkePublicKey::Parse(kem, bytes).has_value();
  };
  EXPECT_TRUE(refused(HpkeKem::kX25519HkdfSha256, Bytes(31)));
  EXPECT_TRUE(refused(HpkeKem::kX25519HkdfSha256, Bytes(33)));
  const HpkePrivateKey p256 = HpkePrivateKey::Generate(HpkeKem::kP256HkdfSha256, random);
  Bytes point = p256.public_key().Encode();
  EXPECT_FALSE(refused(HpkeKem::kP256HkdfSha256, point));
  point[64] ^= 1;  // off the curve
  EXPECT_TRUE(refused(HpkeKem::kP256HkdfSha256, point));
  EXPECT_TRUE(refused(HpkeKem::kP256HkdfSha256, Bytes{0}));  // the point at infinity
  point = p256.public_key().Encode();
  point.resize(33);
  point[0] = 2;  // compressed
  EXPECT_TRUE(refused(HpkeKem::kP256HkdfSha256, point));
  EXPECT_FALSE(HpkePrivateKey::FromBytes(HpkeKem::kP256HkdfSha256, SecretArray<32>()).has_value());
  EXPECT_FALSE(HpkePrivateKey::Derive(HpkeKem::kX25519HkdfSha256, SecretBytes(31)).has_value());

  // Keys of small order give a secret of zeros, to who seals and to who opens.
  const HpkePrivateKey x25519 = HpkePrivateKey::Generate(HpkeKem::kX25519HkdfSha256, random);
  Bytes one(32);
  one[0] = 1;
  for (const Bytes& small : {Bytes(32), one}) {
    const auto key = HpkePublicKey::Parse(HpkeKem::kX25519HkdfSha256, small);
    ASSERT_TRUE(key.has_value());
    const auto sealed = HpkeSeal(*key, HpkeAead::kAes128Gcm, {}, {}, ByteSpan(), random);
    ASSERT_FALSE(sealed.has_value());
    EXPECT_EQ(sealed.error().code, ErrorCode::kVerificationFailed);
    const auto opened = HpkeOpen(x25519, small, HpkeAead::kAes128Gcm, {}, {}, Bytes(16));
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, ErrorCode::kVerificationFailed);
  }
  const auto mixed =
      HpkeSender::Create(x25519.public_key(), HpkeAead::kAes128Gcm, {}, {.sender = &p256}, random);
  ASSERT_FALSE(mixed.has_value());
  EXPECT_EQ(mixed.error().code, ErrorCode::kInvalidArgument);
}

TEST(HpkeTest, UnknownNumbersAreRefused) {
  for (const int number : {0, 0x0011, 0x0012, 0x0021, 0x0030, 0x647a}) {
    EXPECT_FALSE(ParseHpkeKem(static_cast<std::uint16_t>(number)).has_value());
  }
  for (const int number : {0, 2, 3}) {
    EXPECT_FALSE(ParseHpkeKdf(static_cast<std::uint16_t>(number)).has_value());
  }
  for (const int number : {0, 4, 0xfffe}) {
    EXPECT_FALSE(ParseHpkeAead(static_cast<std::uint16_t>(number)).has_value());
  }
}

TEST(HpkeTest, ExportOnlySealsNothing) {
  SystemRandom random;
  const HpkePrivateKey key = HpkePrivateKey::Generate(HpkeKem::kX25519HkdfSha256, random);
  auto sender = HpkeSender::Create(key.public_key(), HpkeAead::kExportOnly, {}, {}, random);
  ASSERT_TRUE(sender.has_value());
  EXPECT_FALSE(sender->Seal({}, {}).has_value());
  auto recipient =
      HpkeRecipient::Create(key, sender->encapsulated_key(), HpkeAead::kExportOnly, {}, {});
  ASSERT_TRUE(recipient.has_value());
  EXPECT_FALSE(recipient->Open({}, Bytes(16)).has_value());
  EXPECT_TRUE(sender->Export({}, 8160).has_value());
  EXPECT_FALSE(sender->Export({}, 8161).has_value());
}

}  // namespace
}  // namespace salus::crypto
