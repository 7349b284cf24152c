#include "seal/output_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/test_folder.h"

namespace salus::seal {
namespace {

using Content = OutputFile::Content;
using IfExists = OutputFile::IfExists;

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

mode_t ModeOf(const std::filesystem::path& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_mode & 07777;
}

std::size_t CountIn(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

Result<void> WriteFile(const std::string& path, std::string_view text,
                       const OutputFile::Options& options) {
  TRY(auto file, OutputFile::Create(path, options));
  TRY_VOID(file->Write(AsBytes(text)));
  return file->Commit();
}

TEST(OutputFile, AppearsAtCommitWithTheModeOfItsContent) {
  const TestFolder folder;
  const mode_t before = ::umask(0027);
  for (const Content content : {Content::kSealed, Content::kOpened}) {
    const auto path = folder / "out";
    auto file = OutputFile::Create(path, {.content = content});
    ASSERT_TRUE(file.has_value()) << file.error().message;
    ASSERT_TRUE((*file)->Write(AsBytes("whole")).has_value());
    EXPECT_FALSE(std::filesystem::exists(path));
    ASSERT_TRUE((*file)->Commit().has_value());
    EXPECT_EQ(ReadAll(path), "whole");
    EXPECT_EQ(ModeOf(path), content == Content::kOpened ? 0600U : 0640U);
    file->reset();
    EXPECT_EQ(CountIn(folder.path()), 1U);
    std::filesystem::remove(path);
  }
  ::umask(before);
}

TEST(OutputFile, LeavesNothingWhenItIsNotCommitted) {
  const TestFolder folder;
  {
    auto file = OutputFile::Create(folder / "out", {});
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE((*file)->Write(AsBytes("half")).has_value());
  }
  EXPECT_EQ(CountIn(folder.path()), 0U);
}

TEST(OutputFile, RefusesWhatExistsBeforeAnyWork) {
  const TestFolder folder;
  std::ofstream(folder / "out") << "old";
  std::filesystem::create_symlink("nowhere", folder / "dangling");
  for (const char* name : {"out", "dangling"}) {
    const auto refused = OutputFile::Create(folder / name, {});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::kAlreadyExists);
    EXPECT_NE(refused.error().message.find("--force"), std::string::npos);
  }
  EXPECT_EQ(ReadAll(folder / "out"), "old");
}

TEST(OutputFile, RefusesWhatWasMadeMeanwhile) {
  const TestFolder folder;
  auto file = OutputFile::Create(folder / "out", {});
  ASSERT_TRUE(file.has_value());
  std::ofstream(folder / "out") << "somebody else's";
  const auto refused = (*file)->Commit();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kAlreadyExists);
  file->reset();
  EXPECT_EQ(ReadAll(folder / "out"), "somebody else's");
  EXPECT_EQ(CountIn(folder.path()), 1U);
}

TEST(OutputFile, ReplacesOnlyAtCommit) {
  const TestFolder folder;
  std::ofstream(folder / "out") << "old";
  const OutputFile::Options replace = {.if_exists = IfExists::kReplace};
  {
    auto file = OutputFile::Create(folder / "out", replace);
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE((*file)->Write(AsBytes("half")).has_value());
  }
  EXPECT_EQ(ReadAll(folder / "out"), "old");
  ASSERT_TRUE(WriteFile(folder / "out", "new", replace).has_value());
  EXPECT_EQ(ReadAll(folder / "out"), "new");
  ASSERT_TRUE(WriteFile(folder / "fresh", "new", replace).has_value());
  EXPECT_EQ(CountIn(folder.path()), 2U);
}

TEST(OutputFile, ReplacesALinkAndNotWhatItPointsTo) {
  const TestFolder folder;
  std::ofstream(folder / "target") << "old";
  std::filesystem::create_symlink("target", folder / "link");
  ASSERT_TRUE(WriteFile(folder / "link", "new", {.if_exists = IfExists::kReplace}).has_value());
  EXPECT_EQ(ReadAll(folder / "target"), "old");
  EXPECT_FALSE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(ReadAll(folder / "link"), "new");
}

TEST(OutputFile, WorksWhereFilesNeedAName) {
  const TestFolder folder;
  OutputFile::Options options = {.naming = OutputFile::Naming::kFromStart};
  {
    auto file = OutputFile::Create(folder / "out", options);
    ASSERT_TRUE(file.has_value());
    EXPECT_EQ(CountIn(folder.path()), 1U);
  }
  EXPECT_EQ(CountIn(folder.path()), 0U);
  ASSERT_TRUE(WriteFile(folder / "out", "first", options).has_value());
  EXPECT_EQ(ReadAll(folder / "out"), "first");
  auto late = OutputFile::Create(folder / "late", options);
  ASSERT_TRUE(late.has_value());
  std::ofstream(folder / "late") << "somebody else's";
  EXPECT_EQ((*late)->Commit().error().code, ErrorCode::kAlreadyExists);
  late->reset();
  options.if_exists = IfExists::kReplace;
  ASSERT_TRUE(WriteFile(folder / "out", "second", options).has_value());
  EXPECT_EQ(ReadAll(folder / "out"), "second");
  EXPECT_EQ(CountIn(folder.path()), 2U);
}

TEST(OutputFile, RefusesFoldersAndMissingFolders) {
  const TestFolder folder;
  EXPECT_EQ(OutputFile::Create(folder.path(), {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(OutputFile::Create(folder.path().string() + "/", {}).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(OutputFile::Create(folder / "missing/out", {}).error().code, ErrorCode::kNotFound);
}

TEST(OutputFile, WritesToDevicesAndPipesDirectly) {
  const TestFolder folder;
  auto null = OutputFile::Create("/dev/null", {});
  ASSERT_TRUE(null.has_value());
  EXPECT_TRUE((*null)->is_direct());
  EXPECT_FALSE((*null)->is_terminal());
  EXPECT_TRUE((*null)->Write(AsBytes("gone")).has_value());
  EXPECT_TRUE((*null)->Commit().has_value());

  const auto full = WriteFile("/dev/full", "no room", {});
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().code, ErrorCode::kResourceExhausted);

  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  const int reader = ::open((folder / "pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  ASSERT_TRUE(WriteFile(folder / "pipe", "through", {}).has_value());
  char text[16];
  EXPECT_EQ(::read(reader, text, sizeof text), 7);
  ::close(reader);
}

TEST(OutputFile, TakesADashForTheStandardOutput) {
  const auto file = OutputFile::Create("-", {});
  ASSERT_TRUE(file.has_value());
  EXPECT_TRUE((*file)->is_direct());
  EXPECT_TRUE((*file)->Commit().has_value());
}

TEST(OutputFile, LeavesNoTemporaryFileWhenTheProgramIsKilled) {
  const TestFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    auto file = OutputFile::Create(folder / "out", {.content = Content::kOpened});
    if (!file.has_value() || !(*file)->Write(AsBytes("secret")).has_value()) ::_exit(1);
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(CountIn(folder.path()), 0U);
}

}  // namespace
}  // namespace salus::seal
