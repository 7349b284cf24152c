// StreamSigner and StreamVerifier against the functions that take the payload whole.
#include "jose/jws_stream.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "codec/base64.h"

namespace salus::jose {
namespace {

constexpr SignatureAlgorithms kAll = {SignatureAlgorithm::kEs256, SignatureAlgorithm::kPs256,
                                      SignatureAlgorithm::kEdDsa};

Bytes Payload(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(i * 31 + 7);
  return out;
}

template <typename Stream>
void Feed(Stream& stream, ByteSpan payload, std::size_t piece) {
  while (!payload.empty()) {
    const std::size_t size = std::min(piece, payload.size());
    ASSERT_TRUE(stream.Update(payload.first(size)).has_value());
    payload = payload.subspan(size);
  }
}

// Both directions, in pieces of several sizes, and with one bit of the payload changed.
template <typename Private, typename Public>
void CheckBothWays(const Private& key, const Public& open, SignatureAlgorithm algorithm) {
  for (const std::size_t size : {0, 1, 2, 3, 4, 100, 1001}) {
    const Bytes payload = Payload(size);
    for (const std::size_t piece : {1, 2, 3, 5, 64, 2000}) {
      StreamSigner signer = StreamSigner::Create(key, algorithm, {{"kid", "k"}}).value();
      Feed(signer, payload, piece);
      const std::string token = signer.Finish().value();
      const auto whole = VerifyDetached(token, payload, open, {kAll});
      ASSERT_TRUE(whole.has_value()) << size << " in pieces of " << piece;
      EXPECT_EQ(whole->header.at("kid").as_string(), "k");
      for (const PayloadForm form : {PayloadForm::kRaw, PayloadForm::kBase64Url}) {
        const std::string other = SignDetached(payload, key, algorithm, form).value();
        StreamVerifier good = StreamVerifier::Create(other, {kAll}).value();
        Feed(good, payload, piece);
        EXPECT_TRUE(good.Finish(open).has_value()) << size << " in pieces of " << piece;
        StreamVerifier longer = StreamVerifier::Create(other, {kAll}).value();
        Feed(longer, payload, piece);
        ASSERT_TRUE(longer.Update(Bytes{0}).has_value());
        EXPECT_EQ(longer.Finish(open).error().code, ErrorCode::kVerificationFailed);
      }
    }
  }
}

TEST(JwsStreamTest, AgreesWithWholePayloads) {
  const auto p256 = crypto::P256PrivateKey::Generate();
  CheckBothWays(p256, p256.public_key(), SignatureAlgorithm::kEs256);
  SystemRandom random;
  const auto ed25519 = crypto::Ed25519PrivateKey::Generate(random);
  CheckBothWays(ed25519, ed25519.public_key(), SignatureAlgorithm::kEdDsa);
  const auto rsa = crypto::RsaPrivateKey::Generate(2048).value();
  CheckBothWays(rsa, rsa.public_key(), SignatureAlgorithm::kPs256);
}

TEST(JwsStreamTest, RefusesKeysAndHeadersThatDoNotFit) {
  const auto p256 = crypto::P256PrivateKey::Generate();
  EXPECT_FALSE(StreamSigner::Create(p256, SignatureAlgorithm::kEdDsa).has_value());
  EXPECT_FALSE(StreamSigner::Create(p256, SignatureAlgorithm::kHs256).has_value());
  for (const char* const name : {"alg", "b64", "crit"}) {
    EXPECT_FALSE(StreamSigner::Create(p256, SignatureAlgorithm::kEs256, {{name, "x"}}).has_value());
  }
  StreamSigner signer = StreamSigner::Create(p256, SignatureAlgorithm::kEs256).value();
  const std::string token = signer.Finish().value();
  // The other type of key, and another key.
  const auto rsa = crypto::RsaPrivateKey::Generate(2048).value();
  EXPECT_FALSE(StreamVerifier::Create(token, {kAll})->Finish(rsa.public_key()).has_value());
  const auto other = crypto::P256PrivateKey::Generate();
  EXPECT_FALSE(StreamVerifier::Create(token, {kAll})->Finish(other.public_key()).has_value());
  EXPECT_TRUE(StreamVerifier::Create(token, {kAll})->Finish(p256.public_key()).has_value());
  EXPECT_FALSE(StreamVerifier::Create(token, {{SignatureAlgorithm::kEdDsa}}).has_value());
  const std::string attached = SignCompact({}, p256, SignatureAlgorithm::kEs256).value();
  EXPECT_FALSE(StreamVerifier::Create("e30.eA.eA", {kAll}).has_value());
  EXPECT_TRUE(StreamVerifier::Create(attached, {kAll}).has_value());  // an empty payload
}

}  // namespace
}  // namespace salus::jose
