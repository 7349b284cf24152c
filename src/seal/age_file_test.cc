// The sealed file against itself: sizes around the chunks' borders, each byte changed, each prefix
// cut. That other implementations read and write the same is judged in tests/judges/seal.
#include "seal/age_file.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "seal/p256_recipient.h"
#include "seal/scrypt_recipient.h"
#include "seal/x25519_recipient.h"

namespace salus::seal {
namespace {

class AgeFileTest : public ::testing::Test {
 protected:
  AgeFileTest() {
    auto key = crypto::X25519PrivateKey::Generate(random_);
    recipients_.push_back(std::make_unique<X25519Recipient>(key.public_key()));
    identities_.push_back(std::make_unique<X25519Identity>(std::move(key)));
  }

  Bytes Plaintext(std::size_t size) {
    Bytes bytes(size);
    random_.Fill(bytes);
    return bytes;
  }

  Bytes Seal(ByteSpan plaintext, const SealSettings& settings = {}) {
    MemorySink out;
    MemorySource in(plaintext);
    auto sealer = AgeSealer::Start(out, recipients_, settings, random_);
    EXPECT_TRUE(sealer.has_value());
    EXPECT_TRUE((*sealer)->SealAll(in).has_value());
    return out.bytes();
  }

  // Open returns what was released, and whether all was well.
  std::pair<Bytes, Result<void>> Open(ByteSpan sealed, unsigned threads = 2) {
    MemorySource in(sealed);
    MemorySink out;
    auto opener = AgeOpener::Start(in);
    if (!opener) return {Bytes(), opener.error()};
    auto unlocked = (*opener)->Unlock(identities_);
    if (!unlocked) return {Bytes(), unlocked.error()};
    Result<void> opened = (*opener)->OpenAll(out, {}, threads);
    return {out.bytes(), opened};
  }

  SeededRandom random_{7};
  Recipients recipients_;
  Identities identities_;
};

constexpr std::size_t kBatch = 4 * kChunkBytes;

TEST_F(AgeFileTest, OpensAtTheBordersOfChunksAndBatches) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, kChunkBytes - 1, kChunkBytes, kChunkBytes + 1,
        2 * kChunkBytes, kBatch - 1, kBatch, kBatch + 1, 3 * kBatch, 3 * kBatch + 12'345}) {
    const Bytes plaintext = Plaintext(size);
    for (const bool is_armored : {false, true}) {
      for (const unsigned threads : {1u, 3u}) {
        const Bytes sealed = Seal(plaintext, {is_armored, {}, threads});
        const auto [released, opened] = Open(sealed, threads);
        ASSERT_TRUE(opened.has_value()) << size;
        EXPECT_EQ(released, plaintext) << size;
      }
    }
  }
}

// Who can write one stanza of many must not keep the others out, whatever the identities' order.
TEST_F(AgeFileTest, AGarbledStanzaHidesNoOtherKeys) {
  auto p256 = crypto::P256PrivateKey::Generate();
  recipients_.push_back(std::make_unique<P256Recipient>(p256.public_key()));
  // The X25519 recipient's stanza is cut short by the sender, who has the file key for the MAC.
  class CutShort final : public Recipient {
   public:
    explicit CutShort(std::unique_ptr<Recipient> whole) : whole_(std::move(whole)) {}
    Result<Stanza> Wrap(const FileKey& key, RandomSource& random) const override {
      TRY(Stanza stanza, whole_->Wrap(key, random));
      stanza.body.pop_back();
      return stanza;
    }
    std::string Name() const override { return whole_->Name(); }

   private:
    const std::unique_ptr<Recipient> whole_;
  };
  recipients_[0] = std::make_unique<CutShort>(std::move(recipients_[0]));
  const Bytes plaintext = Plaintext(100);
  const Bytes sealed = Seal(plaintext);
  const auto [none, refused] = Open(sealed);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kVerificationFailed);
  identities_.push_back(std::make_unique<P256Identity>(std::move(p256)));
  for (int order = 0; order < 2; ++order) {
    const auto [released, opened] = Open(sealed);
    EXPECT_TRUE(opened.has_value()) << order;
    EXPECT_EQ(released, plaintext);
    std::swap(identities_[0], identities_[1]);
  }
}

TEST_F(AgeFileTest, WrittenInPiecesIsTheSameFile) {
  const Bytes plaintext = Plaintext(2 * kBatch);
  MemorySink out;
  auto sealer = AgeSealer::Start(out, recipients_, {}, random_);
  ASSERT_TRUE(sealer.has_value());
  ByteSpan rest = plaintext;
  for (std::size_t size = 1; !rest.empty(); size = size * 3 + 1) {
    const ByteSpan piece = rest.first(std::min(size, rest.size()));
    ASSERT_TRUE((*sealer)->Write(piece).has_value());
    rest = rest.subspan(piece.size());
  }
  ASSERT_TRUE((*sealer)->Finish().has_value());
  const auto [released, opened] = Open(out.bytes());
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(released, plaintext);
}

TEST_F(AgeFileTest, EveryFlippedByteAndEveryPrefixIsRefused) {
  const Bytes plaintext = Plaintext(100);
  for (const bool is_armored : {false, true}) {
    const Bytes sealed = Seal(plaintext, {is_armored, {}, 1});
    for (std::size_t i = 0; i < sealed.size(); ++i) {
      Bytes changed = sealed;
      changed[i] ^= 0x01;
      const auto [released, opened] = Open(changed, 1);
      EXPECT_FALSE(opened.has_value()) << "byte " << i;
      EXPECT_TRUE(released.empty()) << "byte " << i;
    }
    // The armor's last line feed is white space behind it.
    for (std::size_t size = 0; size < sealed.size() - (is_armored ? 1 : 0); ++size) {
      const auto [released, opened] = Open(ByteSpan(sealed).first(size), 1);
      EXPECT_FALSE(opened.has_value()) << "prefix " << size;
      EXPECT_TRUE(released.empty() || is_armored) << "prefix " << size;
    }
  }
}

TEST_F(AgeFileTest, ReorderedAndAppendedChunksAreRefused) {
  const Bytes plaintext = Plaintext(3 * kChunkBytes);
  const Bytes sealed = Seal(plaintext);
  const std::size_t payload = sealed.size() - 3 * kSealedChunkBytes;
  Bytes swapped = sealed;
  std::swap_ranges(swapped.begin() + static_cast<std::ptrdiff_t>(payload),
                   swapped.begin() + static_cast<std::ptrdiff_t>(payload + kSealedChunkBytes),
                   swapped.begin() + static_cast<std::ptrdiff_t>(payload + kSealedChunkBytes));
  EXPECT_TRUE(Open(swapped).first.empty());
  EXPECT_FALSE(Open(swapped).second.has_value());

  Bytes extended = sealed;
  extended.push_back(0);
  const auto [released, opened] = Open(extended);
  EXPECT_EQ(released, plaintext);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kVerificationFailed);

  const auto [cut, cut_error] = Open(ByteSpan(sealed).first(payload + 2 * kSealedChunkBytes));
  EXPECT_EQ(cut.size(), 2 * kChunkBytes);
  EXPECT_FALSE(cut_error.has_value());
}

TEST_F(AgeFileTest, EachKindOfRecipientOpens) {
  auto p256 = crypto::P256PrivateKey::Generate();
  recipients_.push_back(std::make_unique<P256Recipient>(p256.public_key()));
  const Bytes sealed = Seal(AsBytes("to two"));
  EXPECT_TRUE(Open(sealed).second.has_value());
  identities_.clear();
  EXPECT_EQ(Open(sealed).second.error().code, ErrorCode::kFailedPrecondition);
  identities_.push_back(std::make_unique<P256Identity>(std::move(p256)));
  EXPECT_EQ(AsText(Open(sealed).first), "to two");
}

TEST_F(AgeFileTest, APassphraseStandsAlone) {
  const auto passphrase = [] { return SecretBytes(AsBytes("a long passphrase")); };
  recipients_.push_back(std::make_unique<ScryptRecipient>(passphrase(), 4));
  MemorySink out;
  EXPECT_FALSE(AgeSealer::Start(out, recipients_, {}, random_).has_value());
  recipients_.erase(recipients_.begin());
  const Bytes sealed = Seal(AsBytes("for who knows"));
  EXPECT_EQ(Open(sealed).second.error().code, ErrorCode::kFailedPrecondition);
  identities_.push_back(std::make_unique<ScryptIdentity>(passphrase()));
  EXPECT_EQ(AsText(Open(sealed).first), "for who knows");
}

TEST_F(AgeFileTest, NamesRecipientsThatNeedMlKem) {
  const Bytes sealed = Seal(AsBytes("x"), {false, {"mlkem768x25519"}, 1});
  EXPECT_EQ(AsText(Open(sealed).first), "x");
  identities_.front() =
      std::make_unique<X25519Identity>(crypto::X25519PrivateKey::Generate(random_));
  const auto refused = Open(sealed).second;
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("need ML-KEM"), std::string::npos);
}

TEST_F(AgeFileTest, MarkersAreAuthenticated) {
  const Bytes sealed = Seal(AsBytes("x"), {false, {kArchiveMarker}, 1});
  MemorySource in(sealed);
  auto opener = AgeOpener::Start(in);
  ASSERT_TRUE(opener.has_value());
  EXPECT_TRUE((*opener)->header().Has(kArchiveMarker));
  std::string text(AsText(sealed));
  const std::size_t at = text.find("-> salus/archive\n\n");
  ASSERT_NE(at, std::string::npos);
  text.erase(at, std::string_view("-> salus/archive\n\n").size());
  EXPECT_EQ(Open(AsBytes(text)).second.error().code, ErrorCode::kVerificationFailed);
}

}  // namespace
}  // namespace salus::seal
