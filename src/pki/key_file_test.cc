#include "pki/key_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/test_folder.h"
#include "pki/key_access.h"

namespace salus::pki {
namespace {

SecretBytes Secret(std::string_view text) { return SecretBytes(AsBytes(text)); }

mode_t ModeOf(const std::filesystem::path& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_mode & 07777;
}

TEST(KeyFileTest, WritesMode0600WhateverTheUmask) {
  TestFolder folder;
  for (mode_t mask : {0000, 0022, 0077, 0277}) {
    std::filesystem::path path = folder.path() / ("key" + std::to_string(mask));
    mode_t old = ::umask(mask);
    auto written = WriteKeyFile(path, Secret("content"));
    ::umask(old);
    ASSERT_TRUE(written.has_value()) << written.error().message;
    EXPECT_EQ(ModeOf(path), 0600U);
    auto read = ReadKeyFile(path);
    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(AsText(KeyAccess::View(*read)), "content");
  }
}

TEST(KeyFileTest, NeverOverwrites) {
  TestFolder folder;
  ASSERT_TRUE(WriteKeyFile(folder / "key", Secret("first")));
  auto again = WriteKeyFile(folder / "key", Secret("second"));
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(AsText(KeyAccess::View(ReadKeyFile(folder / "key").value())), "first");
}

TEST(KeyFileTest, RefusesEveryOtherMode) {
  TestFolder folder;
  ASSERT_TRUE(WriteKeyFile(folder / "key", Secret("content")));
  for (mode_t mode : {0604, 0640, 0644, 0660, 0666, 0620, 0602, 0601, 0700, 04600}) {
    ASSERT_EQ(::chmod((folder / "key").c_str(), mode), 0);
    auto read = ReadKeyFile(folder / "key");
    ASSERT_FALSE(read.has_value()) << std::oct << mode;
    EXPECT_EQ(read.error().code, ErrorCode::kFailedPrecondition);
    EXPECT_NE(read.error().message.find("chmod 600"), std::string::npos);
  }
}

TEST(KeyFileTest, ReadsAFileThatItsOwnerProtectedFromHimself) {
  TestFolder folder;
  ASSERT_TRUE(WriteKeyFile(folder / "key", Secret("content")));
  ASSERT_EQ(::chmod((folder / "key").c_str(), 0400), 0);
  EXPECT_TRUE(ReadKeyFile(folder / "key"));
}

TEST(KeyFileTest, RefusesWhatIsNoPlainFileOfItsUser) {
  TestFolder folder;
  ASSERT_TRUE(WriteKeyFile(folder / "key", Secret("content")));
  std::filesystem::create_symlink(folder / "key", folder / "link");
  EXPECT_EQ(ReadKeyFile(folder / "link").error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(ReadKeyFile(folder.path()).error().code, ErrorCode::kFailedPrecondition);
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(ReadKeyFile(folder / "pipe").error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(ReadKeyFile(folder / "absent").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(WriteKeyFile(folder / "no" / "key", Secret("x")).error().code, ErrorCode::kNotFound);
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown((folder / "key").c_str(), 12345, 12345), 0);
    EXPECT_EQ(ReadKeyFile(folder / "key").error().code, ErrorCode::kFailedPrecondition);
  }
}

TEST(KeyFileTest, RefusesEmptyAndHugeFiles) {
  TestFolder folder;
  EXPECT_FALSE(WriteKeyFile(folder / "key", SecretBytes()).has_value());
  for (std::size_t size : {std::size_t{0}, std::size_t{65'537}}) {
    std::filesystem::path path = folder.path() / std::to_string(size);
    std::ofstream(path) << std::string(size, 'x');
    ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
    EXPECT_EQ(ReadKeyFile(path).error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(KeyFileTest, KeysComeBackAndPassphrasesAreAskedFor) {
  TestFolder folder;
  crypto::PrivateKey key = crypto::P256PrivateKey::Generate();
  SecretBytes passphrase = Secret("correct horse");
  SecretBytes wrong = Secret("wrong horse");
  ASSERT_TRUE(WritePrivateKeyFile(folder / "plain", key));
  ASSERT_TRUE(WritePrivateKeyFile(folder / "sealed", key, &passphrase));

  auto plain = ReadPrivateKeyFile(folder / "plain");
  auto sealed = ReadPrivateKeyFile(folder / "sealed", &passphrase);
  ASSERT_TRUE(plain.has_value() && sealed.has_value());
  const auto& original = std::get<crypto::P256PrivateKey>(key).public_key();
  EXPECT_TRUE(std::get<crypto::P256PrivateKey>(*plain).public_key() == original);
  EXPECT_TRUE(std::get<crypto::P256PrivateKey>(*sealed).public_key() == original);

  EXPECT_EQ(ReadPrivateKeyFile(folder / "sealed").error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(ReadPrivateKeyFile(folder / "sealed", &wrong).error().code,
            ErrorCode::kVerificationFailed);
  ASSERT_TRUE(WriteKeyFile(folder / "noise", Secret("-----BEGIN NOISE-----")));
  EXPECT_EQ(ReadPrivateKeyFile(folder / "noise").error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace salus::pki
