// Signing inside the seal, through whole sealed files: who may pass what on to whom.
#include "seal/signed_content.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/endian.h"
#include "base/random.h"
#include "seal/age_file.h"
#include "seal/file_signature.h"
#include "seal/flattened_jws.h"
#include "seal/x25519_recipient.h"

namespace salus::seal {
namespace {

using ::testing::HasSubstr;

const Timestamp kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 20);

// NamedRecipient stands for a recipient of that name.
class NamedRecipient final : public Recipient {
 public:
  explicit NamedRecipient(std::string name) : name_(std::move(name)) {}
  Result<Stanza> Wrap(const FileKey&, RandomSource&) const override { return Stanza{}; }
  std::string Name() const override { return name_; }

 private:
  std::string name_;
};

Recipients Named(std::vector<std::string> names) {
  Recipients out;
  for (std::string& name : names) out.push_back(std::make_unique<NamedRecipient>(std::move(name)));
  return out;
}

class SignedContentTest : public ::testing::Test {
 protected:
  Bytes Write(ByteSpan content, std::vector<std::string> names, Holds holds = Holds::kFile) const {
    MemorySink sink;
    SignedContentWriter writer(sink, holds);
    EXPECT_TRUE(writer.Write(content).has_value());
    const auto finished = writer.Finish(signer_, Named(std::move(names)), kNow);
    EXPECT_TRUE(finished.has_value()) << finished.error().message;
    return sink.bytes();
  }
  struct Read {
    Result<VerifiedSignature> signature;
    Bytes content;
  };
  static Read ReadBack(ByteSpan payload, const OpenedFile& opened, std::size_t piece = 65'536) {
    MemorySink sink;
    SignedContentReader reader(sink);
    for (ByteSpan rest = payload; !rest.empty();) {
      const std::size_t size = std::min(piece, rest.size());
      EXPECT_TRUE(reader.Write(rest.first(size)).has_value());
      rest = rest.subspan(size);
    }
    auto signature = reader.Finish(opened);
    return {std::move(signature), sink.bytes()};
  }

  const Signer signer_{.key = crypto::P256PrivateKey::Generate()};
};

TEST_F(SignedContentTest, RoundTripsAcrossTheBorders) {
  for (const std::size_t size : {0, 1, 65'535, 65'547, 65'548, 65'549, 262'192, 1'000'000}) {
    Bytes content(size);
    for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<std::uint8_t>(i * 7);
    const Bytes payload = Write(content, {"bob"});
    for (const std::size_t piece : {4'096, 65'536, 2'000'000}) {
      const Read read = ReadBack(payload, {"bob", 1}, piece);
      ASSERT_TRUE(read.signature.has_value()) << size << ": " << read.signature.error().message;
      EXPECT_EQ(read.content, content) << size;
      EXPECT_EQ(read.signature->size_bytes, size);
      EXPECT_EQ(read.signature->claimed_time, kNow);
      EXPECT_TRUE(SameKey(read.signature->key, crypto::PublicKeyOf(signer_.key)));
    }
  }
}

TEST_F(SignedContentTest, NoticesEveryChange) {
  const Bytes payload = Write(AsBytes("content"), {"bob"});
  ASSERT_TRUE(ReadBack(payload, {"bob", 1}).signature.has_value());
  for (std::size_t at = 0; at < payload.size(); ++at) {
    for (const int bit : {1, 128}) {
      Bytes changed = payload;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ bit);
      const Read read = ReadBack(changed, {"bob", 1});
      ASSERT_FALSE(read.signature.has_value()) << at;
      EXPECT_EQ(read.signature.error().code, ErrorCode::kVerificationFailed);
    }
    EXPECT_FALSE(ReadBack(ByteSpan(payload).first(at), {"bob", 1}).signature.has_value()) << at;
  }
  Bytes longer = payload;
  longer.push_back(0);
  EXPECT_THAT(ReadBack(longer, {"bob", 1}).signature.error().message, HasSubstr("no signature"));
}

TEST_F(SignedContentTest, CantBeReaddressed) {
  const Bytes payload = Write(AsBytes("content"), {"bob", "ana"});
  EXPECT_TRUE(ReadBack(payload, {"ana", 2}).signature.has_value());
  EXPECT_TRUE(ReadBack(payload, {"bob", 2}).signature.has_value());
  EXPECT_THAT(ReadBack(payload, {"eve", 2}).signature.error().message,
              HasSubstr("did not address this to you"));
  EXPECT_THAT(ReadBack(payload, {"bob", 3}).signature.error().message, HasSubstr("sealed it anew"));
  EXPECT_THAT(ReadBack(payload, {"bob", 1}).signature.error().message, HasSubstr("sealed it anew"));
  EXPECT_FALSE(ReadBack(payload, {"", 2}).signature.has_value());
}

// A signature of the same key over the same bytes, made for another use, is none here.
TEST_F(SignedContentTest, OtherSignaturesAreNoTrailer) {
  const auto trailer = [](std::string_view content, const std::string& jws) {
    Bytes out = ToBytes(content);
    Append(out, AsBytes(jws));
    AppendBe(out, static_cast<std::uint32_t>(jws.size()));
    Append(out, AsBytes("SALUSIG1"));
    return out;
  };
  MemorySource source(AsBytes("content"));
  const std::string beside = SignFileJws(source, signer_, kNow).value();
  EXPECT_FALSE(ReadBack(trailer("content", beside), {"bob", 1}).signature.has_value());

  const std::string statement =
      R"({"holds":"file","recipients":["bob"],"sha256":"ed7002b439e9ac845f22357d822bac14)"
      R"(44730fbdb6016d3ec9432297b9ec9f73")"
      R"(,"size":7,"time":"2026-11-20T00:00:00.000Z"})";
  const auto with = [&](codec::JsonObject header) {
    const codec::JsonObject own = SignerHeader(signer_).value();
    for (const auto& [name, value] : own) header[name] = value;
    return FlattenJws(jose::SignCompact(AsBytes(statement), ViewOf(signer_.key),
                                        jose::SignatureAlgorithm::kEs256, header)
                          .value());
  };
  const auto good = ReadBack(trailer("content", with({{"typ", "salus-sealed"}})), {"bob", 1});
  EXPECT_TRUE(good.signature.has_value()) << good.signature.error().message;
  const auto other = ReadBack(trailer("content", with({{"typ", "JWT"}})), {"bob", 1});
  EXPECT_THAT(other.signature.error().message, HasSubstr("something else"));
}

TEST_F(SignedContentTest, RecipientsThatCantBeNamedAreRefused) {
  const auto many = [](std::size_t count) {
    return Named(std::vector<std::string>(count, std::string(62, 'x')));
  };
  EXPECT_THAT(SignedContentWriter::Check(signer_, many(1000)).error().message,
              HasSubstr("too many"));
  EXPECT_THAT(SignedContentWriter::Check(signer_, Named({""})).error().message,
              HasSubstr("passphrase"));
  // What Check lets pass, Finish writes, also at the limit.
  std::size_t limit = 700;
  while (SignedContentWriter::Check(signer_, many(limit)).has_value()) ++limit;
  EXPECT_LT(limit, 800u);
  MemorySink sink;
  EXPECT_TRUE(
      SignedContentWriter(sink, Holds::kFolder).Finish(signer_, many(limit - 1), kNow).has_value());
  EXPECT_THAT(SignedContentWriter(sink, Holds::kFolder)
                  .Finish(signer_, many(limit + 1), kNow)
                  .error()
                  .message,
              HasSubstr("too many"));
}

// The marker is not the signer's: who may open a folder can seal its archive anew as a file.
TEST_F(SignedContentTest, FileAndFolderAreNotTakenForEachOther) {
  const Bytes file = Write(AsBytes("content"), {"bob"});
  const Bytes folder = Write(AsBytes("content"), {"bob"}, Holds::kFolder);
  EXPECT_TRUE(ReadBack(folder, {"bob", 1, Holds::kFolder}).signature.has_value());
  EXPECT_THAT(ReadBack(folder, {"bob", 1, Holds::kFile}).signature.error().message,
              HasSubstr("the signer signed a folder"));
  EXPECT_THAT(ReadBack(file, {"bob", 1, Holds::kFolder}).signature.error().message,
              HasSubstr("the signer signed a file"));
}

// Bob, who may read Ada's file, seals its very payload to Eve: she is told.
TEST_F(SignedContentTest, InsideSealedFiles) {
  SystemRandom random;
  const auto bob_key = crypto::X25519PrivateKey::Generate(random);
  const auto eve_key = crypto::X25519PrivateKey::Generate(random);
  const auto held_by = [](const crypto::X25519PrivateKey& key) {
    Identities out;
    out.push_back(
        std::make_unique<X25519Identity>(crypto::X25519PrivateKey::FromBytes(key.bytes())));
    return out;
  };
  const auto to = [](const crypto::X25519PrivateKey& key) {
    Recipients out;
    out.push_back(std::make_unique<X25519Recipient>(key.public_key()));
    return out;
  };
  const Identities bob = held_by(bob_key);
  const Identities eve = held_by(eve_key);
  const auto seal = [&](ByteSpan payload, const Recipients& recipients) {
    MemorySink sink;
    auto sealer = AgeSealer::Start(sink, recipients, {.markers = {kSignedMarker}}, random).value();
    EXPECT_TRUE(sealer->Write(payload).has_value());
    EXPECT_TRUE(sealer->Finish().has_value());
    return sink.bytes();
  };
  const auto open = [](const Bytes& file, const Identities& holder) {
    MemorySource source(file);
    auto opener = AgeOpener::Start(source).value();
    EXPECT_TRUE(opener->Unlock(holder).has_value());
    MemorySink sink;
    EXPECT_TRUE(opener->OpenAll(sink).has_value());
    return sink.bytes();
  };
  const Bytes payload = Write(AsBytes("content"), {bob.front()->Name()});
  const Bytes opened = open(seal(payload, to(bob_key)), bob);
  EXPECT_TRUE(ReadBack(opened, {bob.front()->Name(), 1}).signature.has_value());
  const Bytes passed_on = open(seal(opened, to(eve_key)), eve);
  EXPECT_THAT(ReadBack(passed_on, {eve.front()->Name(), 1}).signature.error().message,
              HasSubstr("did not address this to you"));
}

}  // namespace
}  // namespace salus::seal
