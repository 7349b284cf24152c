// The files of testdata/course_file.json were made by PyCryptodome.
#include "seal/course_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "base/test_folder.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "crypto/pkcs8.h"

namespace salus::seal {
namespace {

struct CourseCase {
  Bytes plaintext, file;
};

struct CourseVectors {
  crypto::RsaPrivateKey key;
  std::vector<CourseCase> cases;
};

Bytes HexAt(const codec::JsonObject& object, std::string_view name) {
  return codec::HexDecode(codec::StringAt(object, name).value()).value();
}

CourseVectors ReadVectors() {
  std::ifstream in(SALUS_TESTDATA "/course_file.json");
  std::stringstream text;
  text << in.rdbuf();
  const codec::Json json = codec::ParseJson(text.str()).value();
  const codec::JsonObject& root = *codec::AsObject(json, "file").value();
  auto key = crypto::DecodePrivateKeyDer(HexAt(root, "private_key_der"));
  CourseVectors out{std::get<crypto::RsaPrivateKey>(std::move(key).value()), {}};
  for (const codec::Json& one : *codec::ArrayAt(root, "cases").value()) {
    const codec::JsonObject& object = *codec::AsObject(one, "case").value();
    out.cases.push_back(
        {ToBytes(codec::StringAt(object, "plaintext").value()), HexAt(object, "file")});
  }
  return out;
}

Result<Bytes> Opened(const crypto::RsaPrivateKey& key, Bytes file) {
  HeldSource source(std::move(file));
  MemorySink sink;
  const auto result = OpenCourse(key, source, sink);
  if (!result.has_value()) {
    EXPECT_TRUE(sink.bytes().empty()) << "bytes left before the tag was checked";
    return result.error();
  }
  return sink.bytes();
}

Bytes Sealed(const crypto::RsaPublicKey& key, Bytes plaintext) {
  HeldSource source(std::move(plaintext));
  MemorySink sink;
  SystemRandom random;
  EXPECT_TRUE(SealCourse(key, source, sink, random).has_value());
  return sink.bytes();
}

void ExpectRefused(const crypto::RsaPrivateKey& key, Bytes file, const std::string& what) {
  const auto opened = Opened(key, std::move(file));
  ASSERT_FALSE(opened.has_value()) << what;
  EXPECT_EQ(opened.error().code, ErrorCode::kVerificationFailed) << what;
}

TEST(CourseFileTest, OpensWhatPyCryptodomeWrote) {
  const CourseVectors vectors = ReadVectors();
  ASSERT_EQ(vectors.cases.size(), 4u) << "AES keys of 16, 24 and 32 bytes, and an empty file";
  for (const CourseCase& one : vectors.cases) {
    const auto opened = Opened(vectors.key, one.file);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    EXPECT_EQ(*opened, one.plaintext);
    EXPECT_EQ(one.file.size() - one.plaintext.size(), CourseOverheadBytes(2048));
  }
}

TEST(CourseFileTest, OpensItsOwn) {
  const CourseVectors vectors = ReadVectors();
  for (const std::size_t size : {0, 1, 15, 16, 17, 65535, 65536, 65537, 200000}) {
    Bytes plaintext(size);
    SeededRandom(size).Fill(plaintext);
    const Bytes file = Sealed(vectors.key.public_key(), plaintext);
    EXPECT_EQ(file.size(), size + CourseOverheadBytes(2048));
    EXPECT_EQ(Opened(vectors.key, file).value(), plaintext);
    EXPECT_NE(file, Sealed(vectors.key.public_key(), plaintext)) << "key and nonce are fresh";
  }
}

TEST(CourseFileTest, TakesLongerKeys) {
  const auto key = crypto::RsaPrivateKey::Generate(3072).value();
  const Bytes file = Sealed(key.public_key(), ToBytes("text"));
  EXPECT_EQ(file.size(), 4 + CourseOverheadBytes(3072));
  EXPECT_EQ(Opened(key, file).value(), ToBytes("text"));
  ExpectRefused(ReadVectors().key, file, "another key, of another size");
}

TEST(CourseFileTest, RefusesEveryByteFlipped) {
  const CourseVectors vectors = ReadVectors();
  const Bytes& file = vectors.cases.at(1).file;
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (const std::uint8_t mask : {0x01, 0x80}) {
      Bytes changed = file;
      changed[at] ^= mask;
      ExpectRefused(vectors.key, std::move(changed), "byte " + std::to_string(at));
    }
  }
}

TEST(CourseFileTest, RefusesEveryPrefixAndMore) {
  const CourseVectors vectors = ReadVectors();
  const Bytes& file = vectors.cases.at(1).file;
  for (std::size_t size = 0; size < file.size(); ++size) {
    ExpectRefused(vectors.key, ToBytes(ByteSpan(file).first(size)),
                  "prefix of " + std::to_string(size));
  }
  Bytes longer = file;
  longer.push_back(0);
  ExpectRefused(vectors.key, std::move(longer), "a byte more");
}

// The key block opens, but what it holds is no AES key.
TEST(CourseFileTest, RefusesKeysOfOtherSizes) {
  const CourseVectors vectors = ReadVectors();
  for (const std::size_t size : {0, 15, 17, 33}) {
    Bytes file =
        vectors.key.public_key().EncryptOaep(crypto::RsaOaepHash::kSha1, Bytes(size)).value();
    file.resize(file.size() + 40);
    ExpectRefused(vectors.key, std::move(file), "a key of " + std::to_string(size) + " bytes");
  }
}

// ChangingSource has another last byte each time that it is read.
class ChangingSource final : public RepeatableSource {
 public:
  explicit ChangingSource(Bytes bytes) : bytes_(bytes), rest_(bytes_) {}
  Result<std::size_t> Read(MutableByteSpan out) override { return rest_.Read(out); }
  void Rewind() override {
    bytes_.back() ^= 1;
    rest_ = MemorySource(bytes_);
  }

 private:
  Bytes bytes_;
  MemorySource rest_;
};

TEST(CourseFileTest, RefusesInputThatChangesMeanwhile) {
  const CourseVectors vectors = ReadVectors();
  MemorySink sink;
  SystemRandom random;
  ChangingSource plaintext(Bytes(100));
  const auto sealed = SealCourse(vectors.key.public_key(), plaintext, sink, random);
  ASSERT_FALSE(sealed.has_value());
  EXPECT_EQ(sealed.error().code, ErrorCode::kUnavailable);
  ChangingSource file(vectors.cases.at(1).file);
  const auto opened = OpenCourse(vectors.key, file, sink);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kVerificationFailed);
}

TEST(RepeatableSourceTest, ReadsAFileTwiceFromItsStart) {
  const TestFolder folder;
  const std::filesystem::path path = folder / "file";
  std::ofstream(path) << "0123456789";
  const int fd = ::open(path.c_str(), O_RDONLY);
  RegularFileSource source(fd, 4);
  for (int round = 0; round < 2; ++round) {
    Bytes room(100);
    ASSERT_EQ(source.Read(room).value(), 6u);
    EXPECT_EQ(AsText(ByteSpan(room).first(6)), "456789");
    EXPECT_EQ(source.Read(room).value(), 0u);
    source.Rewind();
  }
  EXPECT_EQ(::lseek(fd, 0, SEEK_CUR), 0);
  ::close(fd);
}

// ZeroSource gives as many zeros as it has.
class ZeroSource final : public ByteSource {
 public:
  explicit ZeroSource(std::size_t size) : left_(size) {}
  Result<std::size_t> Read(MutableByteSpan out) override {
    const std::size_t size = std::min(out.size(), left_);
    left_ -= size;
    return size;
  }
  std::size_t left() const { return left_; }

 private:
  std::size_t left_;
};

TEST(RepeatableSourceTest, HoldsAPipeUpToItsLimit) {
  ZeroSource fits(HeldSource::kLimitBytes);
  EXPECT_TRUE(HeldSource::ReadAll(fits).has_value());
  ZeroSource too_much(std::size_t{1} << 40);
  const auto held = HeldSource::ReadAll(too_much);
  ASSERT_FALSE(held.has_value());
  EXPECT_EQ(held.error().code, ErrorCode::kResourceExhausted);
  EXPECT_GT(too_much.left(), (std::size_t{1} << 40) - 2 * HeldSource::kLimitBytes);
}

}  // namespace
}  // namespace salus::seal
