#include "storage/file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/test_folder.h"
#include "storage/fault_file_system.h"
#include "storage/memory_file_system.h"
#include "storage/posix_file_system.h"

namespace salus::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

enum class Kind { kPosix, kMemory, kFault };

class FileSystemTest : public ::testing::TestWithParam<Kind> {
 protected:
  FileSystemTest() : fault_(memory_) {
    if (GetParam() != Kind::kPosix) {
      EXPECT_TRUE(memory_.MakeDirectory("d"));
    }
  }
  FileSystem& fs() {
    switch (GetParam()) {
      case Kind::kPosix:
        return posix_;
      case Kind::kMemory:
        return memory_;
      case Kind::kFault:
        return fault_;
    }
    return posix_;
  }
  std::string Path(std::string_view name) const {
    return JoinPath(GetParam() == Kind::kPosix ? temporary_.path().string() : "d", name);
  }

  TestFolder temporary_;
  PosixFileSystem posix_;
  MemoryFileSystem memory_;
  FaultFileSystem fault_;
};

TEST_P(FileSystemTest, WritesGatheredPartsAndReadsThemBack) {
  auto file = fs().Create(Path("a")).value();
  const std::vector<ByteSpan> parts = {AsBytes("one"), ByteSpan(), AsBytes("two"), AsBytes("!")};
  ASSERT_TRUE(file->WriteAtV(5, parts));
  ASSERT_TRUE(file->SyncData());
  EXPECT_EQ(file->Size().value(), 12u);
  Bytes out(12);
  ASSERT_TRUE(file->ReadExactAt(0, out));
  EXPECT_EQ(AsText(out), std::string_view("\0\0\0\0\0onetwo!", 12));
  EXPECT_EQ(file->ReadAt(10, out).value(), 2u);
  EXPECT_EQ(file->ReadAt(12, out).value(), 0u);
  EXPECT_EQ(file->ReadExactAt(1, out).error().code, ErrorCode::kCorruption);
}

TEST_P(FileSystemTest, WritesMorePartsThanOneSystemCallTakes) {
  auto file = fs().Create(Path("many")).value();
  Bytes content(5000);
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::uint8_t>(i * 7);
  std::vector<ByteSpan> parts;
  for (std::size_t i = 0; i < content.size(); ++i) parts.push_back(ByteSpan(content).subspan(i, 1));
  ASSERT_TRUE(file->WriteAtV(0, parts));
  Bytes out(content.size());
  ASSERT_TRUE(file->ReadExactAt(0, out));
  EXPECT_EQ(out, content);
}

TEST_P(FileSystemTest, AllocatedSpaceIsZerosAndKeepsWhatIsThere) {
  auto file = fs().Create(Path("a")).value();
  ASSERT_TRUE(file->WriteAt(0, AsBytes("abc")));
  ASSERT_TRUE(file->Allocate(0, 8192));
  EXPECT_EQ(file->Size().value(), 8192u);
  Bytes out(5);
  ASSERT_TRUE(file->ReadExactAt(0, out));
  EXPECT_EQ(AsText(out), std::string_view("abc\0\0", 5));
  ASSERT_TRUE(file->Truncate(2));
  EXPECT_EQ(file->Size().value(), 2u);
}

TEST_P(FileSystemTest, NamesAreMadeOnceRenamedOverAndRemoved) {
  auto a = fs().Create(Path("a")).value();
  EXPECT_EQ(fs().Create(Path("a")).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(fs().OpenExisting(Path("z"), FileAccess::kReadOnly).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(fs().Create(Path("none/a")).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(a->WriteAt(0, AsBytes("A")));
  ASSERT_TRUE(fs().Create(Path("b")));
  ASSERT_TRUE(fs().Rename(Path("a"), Path("b")));
  EXPECT_FALSE(fs().Exists(Path("a")).value());
  auto b = fs().OpenExisting(Path("b"), FileAccess::kReadOnly).value();
  EXPECT_EQ(b->Size().value(), 1u);
  EXPECT_FALSE(b->WriteAt(0, AsBytes("x")));
  ASSERT_TRUE(fs().Remove(Path("b")));
  EXPECT_EQ(fs().Remove(Path("b")).error().code, ErrorCode::kNotFound);
}

TEST_P(FileSystemTest, ListsSortedAndMakesDirectories) {
  const std::string directory = DirectoryOf(Path("x"));
  ASSERT_TRUE(fs().Create(Path("2")));
  ASSERT_TRUE(fs().Create(Path("1")));
  ASSERT_TRUE(fs().MakeDirectory(Path("3")));
  EXPECT_EQ(fs().MakeDirectory(Path("3")).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(fs().MakeDirectory(Path("8/9")).error().code, ErrorCode::kNotFound);
  EXPECT_THAT(fs().List(directory).value(), ElementsAre("1", "2", "3"));
  EXPECT_TRUE(fs().SyncDirectory(directory));
  EXPECT_GT(fs().FreeBytes(directory).value(), 0u);
}

TEST_P(FileSystemTest, ALockIsHeldByOneAndNamesItsHolder) {
  auto lock = fs().LockFile(Path("lock")).value();
  const auto second = fs().LockFile(Path("lock"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(second.error().message, HasSubstr("in use by process "));
  if (GetParam() == Kind::kPosix) {
    EXPECT_THAT(second.error().message, HasSubstr(std::to_string(::getpid())));
  }
  lock.reset();
  EXPECT_TRUE(fs().LockFile(Path("lock")));
}

INSTANTIATE_TEST_SUITE_P(All, FileSystemTest,
                         ::testing::Values(Kind::kPosix, Kind::kMemory, Kind::kFault));

TEST(PosixFileSystemTest, AFailedSyncStopsTheProcess) {
  TestFolder temporary;
  PosixFileSystem fs;
  auto file = fs.Create(temporary / "a").value();
  EXPECT_DEATH(
      {
        for (int fd = 3; fd < 256; ++fd) ::close(fd);
        (void)file->SyncData();
      },
      "sync failed");
}

TEST(PosixFileSystemTest, FilesAreTheOwnersOnly) {
  TestFolder temporary;
  PosixFileSystem fs;
  ASSERT_TRUE(fs.Create(temporary / "a"));
  ASSERT_TRUE(fs.MakeDirectory(temporary / "d"));
  const auto mode = [&](const char* name) {
    return static_cast<unsigned>(std::filesystem::status(temporary.path() / name).permissions());
  };
  EXPECT_EQ(mode("a"), 0600u);
  EXPECT_EQ(mode("d"), 0700u);
}

TEST(MemoryFileSystemTest, ACrashLosesWhatWasNotSynced) {
  MemoryFileSystem fs;
  ASSERT_TRUE(fs.MakeDirectory("d"));
  auto kept = fs.Create("d/kept").value();
  ASSERT_TRUE(kept->WriteAt(0, AsBytes("synced")));
  ASSERT_TRUE(kept->SyncData());
  ASSERT_TRUE(fs.SyncDirectory("d"));
  ASSERT_TRUE(kept->WriteAt(0, AsBytes("SYNCED, and more")));
  auto unnamed = fs.Create("d/unnamed").value();
  ASSERT_TRUE(unnamed->WriteAt(0, AsBytes("x")));
  ASSERT_TRUE(unnamed->SyncData());  // but its name is not durable
  ASSERT_TRUE(fs.LockFile("d/lock"));
  fs.Crash(CrashLoss::kAll);
  EXPECT_EQ(AsText(fs.Content("d/kept")), "synced");
  EXPECT_FALSE(fs.Exists("d/unnamed").value());
  EXPECT_FALSE(kept->SyncData());
  EXPECT_TRUE(fs.LockFile("d/lock"));
}

TEST(MemoryFileSystemTest, ACrashCanTearAWriteAtSectors) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    MemoryFileSystem fs;
    auto file = fs.Create("a").value();
    ASSERT_TRUE(file->Allocate(0, 1024));
    ASSERT_TRUE(file->SyncData());
    ASSERT_TRUE(fs.SyncDirectory("."));
    ASSERT_TRUE(file->WriteAt(0, Bytes(1024, 'x')));
    fs.Crash(CrashLoss::kRandomSectors, seed);
    const Bytes content = fs.Content("a");
    ASSERT_EQ(content.size(), 1024u);
    seen.insert(
        {static_cast<char>(content[0] ? 'x' : '0'), static_cast<char>(content[512] ? 'x' : '0')});
  }
  EXPECT_THAT(seen, ElementsAre("00", "0x", "x0", "xx"));
}

TEST(MemoryFileSystemTest, CapacityBoundsAllFiles) {
  MemoryFileSystem fs;
  fs.SetCapacity(100);
  auto a = fs.Create("a").value();
  ASSERT_TRUE(a->Allocate(0, 60));
  EXPECT_EQ(a->WriteAt(50, Bytes(60)).error().code, ErrorCode::kResourceExhausted);
  EXPECT_TRUE(a->WriteAt(0, Bytes(60)));
  EXPECT_EQ(fs.FreeBytes(".").value(), 40u);
}

TEST(FaultFileSystemTest, FailsTheChosenCallOnceOrFromThenOn) {
  MemoryFileSystem memory;
  FaultFileSystem fs(memory);
  auto file = fs.Create("a").value();
  fs.Inject({.operation = FileOperation::kWrite, .at_call = 2, .kind = FaultKind::kNoSpace});
  EXPECT_TRUE(file->WriteAt(0, AsBytes("1")));
  EXPECT_EQ(file->WriteAt(0, AsBytes("2")).error().code, ErrorCode::kResourceExhausted);
  EXPECT_TRUE(fs.fired());
  EXPECT_TRUE(file->WriteAt(1, AsBytes("3")));
  EXPECT_EQ(fs.calls(FileOperation::kWrite), 3u);
  EXPECT_EQ(AsText(memory.Content("a")), "13");
  fs.Inject({.operation = {}, .at_call = 1, .kind = FaultKind::kIoError, .persistent = true});
  EXPECT_FALSE(file->Size());
  EXPECT_FALSE(file->WriteAt(0, AsBytes("4")));
  fs.Heal();
  EXPECT_TRUE(file->Size());
}

TEST(FaultFileSystemTest, AShortWriteLeavesHalf) {
  MemoryFileSystem memory;
  FaultFileSystem fs(memory);
  auto file = fs.Create("a").value();
  fs.Inject({.operation = FileOperation::kWrite, .at_call = 1, .kind = FaultKind::kShortWrite});
  const std::vector<ByteSpan> parts = {AsBytes("abc"), AsBytes("defgh")};
  EXPECT_FALSE(file->WriteAtV(0, parts));
  EXPECT_EQ(AsText(memory.Content("a")), "abcd");
}

TEST(FaultFileSystemTest, AKilledProcessDoesNothingMore) {
  MemoryFileSystem memory;
  FaultFileSystem fs(memory);
  auto file = fs.Create("a").value();
  fs.Inject({.operation = FileOperation::kWrite, .at_call = 1, .kind = FaultKind::kKillAfter});
  EXPECT_FALSE(file->WriteAt(0, AsBytes("abc")));
  EXPECT_TRUE(fs.dead());
  EXPECT_FALSE(file->WriteAt(0, AsBytes("xyz")));
  EXPECT_FALSE(fs.Exists("a"));
  EXPECT_EQ(AsText(memory.Content("a")), "abc");
}

TEST(FaultFileSystemTest, AFailedSyncKills) {
  MemoryFileSystem memory;
  FaultFileSystem fs(memory);
  auto file = fs.Create("a").value();
  fs.Inject({.operation = FileOperation::kSync, .at_call = 1, .kind = FaultKind::kIoError});
  EXPECT_FALSE(file->SyncData());
  EXPECT_TRUE(fs.dead());
}

}  // namespace
}  // namespace salus::storage
