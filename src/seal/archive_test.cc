#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>

#include "base/test_folder.h"
#include "seal/archive_reader.h"
#include "seal/archive_writer.h"
#include "seal/tar_builder.h"

namespace salus::seal {
namespace {

namespace fs = std::filesystem;

void WriteText(const fs::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string ReadText(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct stat StatusOf(const fs::path& path) {
  struct stat status{};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status;
}

std::size_t CountIn(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), {}));
}

// What stands in a folder: kind, permissions, time and content by path.
std::map<std::string, std::string> Described(const fs::path& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const struct stat status = StatusOf(entry.path());
    std::string& line = out[entry.path().lexically_relative(folder).string()];
    line = fmt::format("{:o} {}.{:09} ", status.st_mode, status.st_mtim.tv_sec,
                       status.st_mtim.tv_nsec);
    if (entry.is_symlink()) {
      line += fs::read_symlink(entry.path()).string();
    } else if (entry.is_regular_file()) {
      line += ReadText(entry.path());
    }
  }
  return out;
}

Result<void> Unpack(ByteSpan archive, const std::string& target) {
  TRY(auto reader, ArchiveReader::Create(target));
  MemorySource source(archive);
  TRY_VOID(reader->Unpack(source));
  return reader->Commit(OutputFile::Durability::kWholeBatch);
}

Bytes Pack(const fs::path& folder) {
  ArchiveWriter writer(folder);
  MemorySink sink;
  const auto packed = writer.Pack(sink);
  EXPECT_TRUE(packed.has_value()) << packed.error().message;
  return sink.bytes();
}

void FillWithSamples(const fs::path& folder) {
  fs::create_directories(folder / "sub/deeper");
  fs::create_directories(folder / "empty");
  WriteText(folder / "plain.txt", "plain");
  WriteText(folder / "nothing", "");
  WriteText(folder / "sub/large", std::string(700'000, 'x'));
  WriteText(folder / "sub/deeper/\xc3\xa9t\xc3\xa9 \xe6\x97\xa5.txt", "UTF-8");
  WriteText(folder / "sub/latin-\xe9", "no UTF-8");
  WriteText(folder / (std::string(200, 'n') + ".long"), "long");
  fs::create_symlink("../plain.txt", folder / "sub/link");
  fs::create_symlink("missing", folder / "dangling");
  ASSERT_EQ(::chmod((folder / "plain.txt").c_str(), 0600), 0);
  ASSERT_EQ(::chmod((folder / "sub/large").c_str(), 0555), 0);
  const timespec times[2] = {{0, UTIME_OMIT}, {1'600'000'000, 123'456'789}};
  for (const char* name : {"plain.txt", "sub/deeper", "empty"}) {
    ASSERT_EQ(::utimensat(AT_FDCWD, (folder / name).c_str(), times, 0), 0);
  }
  ASSERT_EQ(::chmod((folder / "sub/deeper").c_str(), 0555), 0);
}

TEST(Archive, UnpacksAsItWasPacked) {
  const TestFolder place;
  const fs::path folder = place / "photos";
  FillWithSamples(folder);
  const Bytes archive = Pack(folder.string() + "/");
  const auto unpacked = Unpack(archive, place / "again");
  ASSERT_TRUE(unpacked.has_value()) << unpacked.error().message;
  EXPECT_EQ(Described(place / "again"), Described(folder));
  EXPECT_EQ(StatusOf(place / "again").st_mtim.tv_nsec, StatusOf(folder).st_mtim.tv_nsec);
  EXPECT_EQ(CountIn(place.path()), 2U);
  fs::permissions(folder / "sub/deeper", fs::perms::owner_all);
  fs::permissions(place / "again/sub/deeper", fs::perms::owner_all);
}

TEST(Archive, IsTheSameHoweverTheFolderWasMade) {
  const TestFolder place;
  const timespec times[2] = {{1, 0}, {1'600'000'000, 0}};
  for (const char* order : {"abc", "cba"}) {
    const fs::path folder = place.path() / order / "same";
    fs::create_directories(folder);
    for (const char* name = order; *name != '\0'; ++name) {
      const fs::path file = folder / std::string(1, *name);
      WriteText(file, "text");
      ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
    }
    ASSERT_EQ(::utimensat(AT_FDCWD, folder.c_str(), times, 0), 0);
  }
  EXPECT_EQ(Pack(place / "abc/same"), Pack(place / "cba/same"));
}

TEST(Archive, SkipsWhatItShouldNotHoldAndSaysSo) {
  const TestFolder place;
  const fs::path folder = place / "mixed";
  fs::create_directories(folder / "sub");
  WriteText(folder / "kept", "kept");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  fs::create_symlink("/etc/passwd", folder / "absolute");
  fs::create_symlink("../../kept", folder / "sub/out");
  fs::create_symlink("../kept", folder / "sub/in");
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string socket_path = folder / "socket";
  socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ArchiveWriter writer(folder);
  MemorySink sink;
  ASSERT_TRUE(writer.Pack(sink).has_value());
  ::close(socket);
  std::map<std::string, std::string> skipped;
  for (const auto& one : writer.skipped()) skipped[one.path] = one.reason;
  EXPECT_EQ(skipped, (std::map<std::string, std::string>{
                         {"mixed/absolute", "a symbolic link to an absolute path"},
                         {"mixed/pipe", "a named pipe"},
                         {"mixed/socket", "a socket"},
                         {"mixed/sub/out", "a symbolic link that leads out of the folder"}}));
  EXPECT_EQ(writer.entry_count(), 4U);
  ASSERT_TRUE(Unpack(sink.bytes(), place / "again").has_value());
  EXPECT_EQ(CountIn(place / "again"), 2U);
}

TEST(Archive, PackingRefusesWhatIsNoFolder) {
  const TestFolder place;
  WriteText(place / "file", "");
  MemorySink sink;
  EXPECT_EQ(ArchiveWriter(place / "file").Pack(sink).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ArchiveWriter(place / "missing").Pack(sink).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(ArchiveWriter("/").Pack(sink).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(sink.bytes().empty());
}

TEST(Archive, ReadsAnArchiveOfTheFolderItself) {
  const TestFolder place;
  const Bytes archive = TarBuilder().Folder("./").File("./a").HardLink("./b", "./a").End();
  ASSERT_TRUE(Unpack(archive, place / "out").has_value());
  EXPECT_EQ(ReadText(place / "out/b"), "text");
  EXPECT_EQ(StatusOf(place / "out/a").st_nlink, 2U);
}

// Folders get their mode by their path once more, at the end.
TEST(Archive, UnpacksFoldersThatAreCalledLikeDrives) {
  const TestFolder place;
  const Bytes archive =
      TarBuilder().Folder("d/").Folder("d/c:/", 0700).Folder("d/c:/x/", 0700).End();
  const auto made = Unpack(archive, place / "out");
  ASSERT_TRUE(made.has_value()) << made.error().message;
  EXPECT_EQ(fs::status(place / "out/c:/x").permissions(), fs::perms(0700));
  EXPECT_EQ(CountIn(place / "out"), 1U);
}

TEST(Archive, DropsTheBitsThatRaiseRights) {
  const TestFolder place;
  const Bytes archive = TarBuilder()
                            .Folder("d/", 07755)
                            .Add({.name = "d/f", .content = "x", .mode = 06755})
                            .Folder("d/s/", 03755)
                            .End();
  ASSERT_TRUE(Unpack(archive, place / "out").has_value());
  for (const char* name : {"out", "out/f", "out/s"}) {
    EXPECT_EQ(StatusOf(place / name).st_mode & 07000, 0U) << name;
  }
}

// What each hostile archive is, and a part of the sentence that refuses it.
struct Hostile {
  const char* kind;
  std::function<TarBuilder()> make;
};

TarBuilder In() { return TarBuilder().Folder("d/"); }

const Hostile kHostile[] = {
    {"leads upwards", [] { return In().File("d/../../evil"); }},
    {"leads upwards", [] { return In().File("../evil"); }},
    {"leads upwards", [] { return In().File("d/.."); }},
    {"leads upwards", [] { return TarBuilder().Folder("../"); }},
    {"is absolute", [] { return In().File("/tmp/evil"); }},
    {"is absolute", [] { return In().File("//d/evil"); }},
    {"is absolute", [] { return TarBuilder().Folder("/"); }},
    {"drive letter", [] { return In().File("C:/evil"); }},
    {"drive letter", [] { return In().File("c:evil"); }},
    {"drive letter", [] { return TarBuilder().Folder("C:/"); }},
    {"leads upwards", [] { return In().Pax("path", "d/x/../../../evil").File("d/nice"); }},
    {"is absolute", [] { return In().Pax("path", "/evil").File("d/nice"); }},
    {"not in the archive's folder", [] { return In().File("e/other"); }},
    {"not in the archive's folder", [] { return In().File("plain"); }},
    {"stands there twice", [] { return In().Folder("d/"); }},
    {"stands in the archive twice", [] { return In().File("d/a").File("d/a"); }},
    {"stands in the archive twice", [] { return In().File("d/a").File("d/./a"); }},
    {"stands in the archive twice", [] { return In().Folder("d/a/").Folder("d/a/"); }},
    {"stands in the archive twice", [] { return In().File("d/a").Link("d/a", "b"); }},
    {"stands in the archive twice", [] { return In().Link("d/a", "b").File("d/a"); }},
    {"stands in the archive twice", [] { return In().Link("d/a", ".").Folder("d/a/"); }},
    {"to an absolute path", [] { return In().Link("d/a", "/etc/passwd"); }},
    {"leads out of the folder", [] { return In().Link("d/a", "../evil"); }},
    {"leads out of the folder", [] { return In().Folder("d/b/").Link("d/b/a", "../../evil"); }},
    {"then up again", [] { return In().Link("d/a", "b/../../evil"); }},
    {"then up again",
     [] { return In().Folder("d/b/").Link("d/b/x", "..").Link("d/y", "b/x/../evil"); }},
    {"to nothing", [] { return In().Link("d/a", ""); }},
    {"through a symbolic link",
     [] { return In().Folder("d/b/").Link("d/a", "b").File("d/a/evil"); }},
    {"through a symbolic link", [] { return In().Link("d/a", ".").Folder("d/a/evil/"); }},
    {"through a symbolic link",
     [] { return In().Folder("d/b/").Link("d/a", "b").Link("d/a/evil", "x"); }},
    {"through a symbolic link, or a file", [] { return In().File("d/a").File("d/a/b"); }},
    {"hard link out of the folder", [] { return In().HardLink("d/a", "/etc/passwd"); }},
    {"hard link out of the folder", [] { return In().HardLink("d/a", "d/../../evil"); }},
    {"hard link out of the folder", [] { return In().HardLink("d/a", "evil"); }},
    {"hard link to something that is no file", [] { return In().HardLink("d/a", "d/b"); }},
    {"hard link to something that is no file",
     [] { return In().Link("d/b", "c").HardLink("d/a", "d/b"); }},
    {"hard link to something that is no file",
     [] { return In().Folder("d/b/").HardLink("d/a", "d/b"); }},
    {"through a symbolic link",
     [] { return In().Folder("d/b/").File("d/b/c").Link("d/l", "b").HardLink("d/a", "d/l/c"); }},
    {"through a symbolic link",
     [] { return In().Folder("d/b/").File("d/c").Link("d/l", "b").HardLink("d/l/a", "d/c"); }},
    {"a device", [] { return In().Add({.name = "d/a", .type = '3'}); }},
    {"a device", [] { return In().Add({.name = "d/a", .type = '4'}); }},
    {"a named pipe", [] { return In().Add({.name = "d/a", .type = '6'}); }},
    {"too long a name", [] { return In().Pax("path", "d/" + std::string(256, 'n')).File("d/a"); }},
    {"too long", [] { return In().Pax("path", "d" + std::string(4200, '/') + "a").File("d/a"); }},
    {"too deep",
     [] {
       std::string path = "d";
       for (int i = 0; i < 300; ++i) path += "/x";
       return In().Pax("path", path).File("d/a");
     }},
    {"does not stand before it", [] { return In().File("d/b/a"); }},
    {"should be the folder", [] { return TarBuilder().File("a"); }},
    {"should be the folder", [] { return TarBuilder().Link("d", "e").File("d/evil"); }},
    {"should be the folder", [] { return TarBuilder().Folder("d/e/"); }},
    {"archive is empty", [] { return TarBuilder(); }},
};

TEST(HostileArchive, IsRefusedByKindAndLeavesNothing) {
  for (const Hostile& hostile : kHostile) {
    const TestFolder place;
    const auto refused = Unpack(hostile.make().End(), place / "out");
    ASSERT_FALSE(refused.has_value()) << hostile.kind;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument) << hostile.kind;
    EXPECT_NE(refused.error().message.find(hostile.kind), std::string::npos)
        << hostile.kind << " / " << refused.error().message;
    EXPECT_EQ(refused.error().message.find("evil"), std::string::npos);
    EXPECT_EQ(CountIn(place.path()), 0U) << hostile.kind;
  }
}

TEST(HostileArchive, MayNotBeSparse) {
  // One byte of content at the end of 2^33 - 1 bytes.
  const std::string sparse = "77777777776\00000000000001\0";
  const auto gnu_fields = [](std::string_view offset, std::string_view size,
                             std::string_view whole) {
    std::string fields(126, '\0');
    const auto put = [&](std::size_t at, std::string_view text) {
      std::copy(text.begin(), text.end(), fields.begin() + static_cast<std::ptrdiff_t>(at));
    };
    put(0, offset);
    put(12, size);
    put(97, whole);
    return fields;
  };
  const TestFolder place;
  const Bytes gnu = In().Add({.name = "d/bomb",
                              .type = 'S',
                              .content = "x",
                              .sparse = gnu_fields("77777777776", "00000000001", "77777777777")})
                        .End();
  const Bytes pax = In().Pax("GNU.sparse.major", "1")
                        .Pax("GNU.sparse.minor", "0")
                        .Pax("GNU.sparse.realsize", "1099511627776")
                        .File("d/bomb", "0\n" + std::string(510, '\0'))
                        .End();
  const Bytes old = In().Pax("GNU.sparse.size", "1099511627776").File("d/bomb", "").End();
  for (const Bytes& archive : {gnu, pax, old}) {
    const auto refused = Unpack(archive, place / "out");
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().message.find("sparse"), std::string::npos) << refused.error().message;
    EXPECT_EQ(CountIn(place.path()), 0U);
  }
}

TEST(HostileArchive, NamesEndAtAZeroByteAndAreCheckedAsTheyAreUsed) {
  const TestFolder place;
  const std::string name = std::string("d/a\0/../../evil", 15);
  const Bytes archive = In().Pax("path", name).File("d/x").End();
  if (Unpack(archive, place / "out").has_value()) {
    EXPECT_EQ(ReadText(place / "out/a"), "text");
    EXPECT_EQ(CountIn(place / "out"), 1U);
  }
  EXPECT_FALSE(fs::exists(place / "evil"));
}

TEST(HostileArchive, EveryCutIsRefusedOrWholeEntries) {
  const TestFolder place;
  const Bytes whole = In().File("d/a", std::string(600, 'a')).Link("d/b", "a").End();
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    (void)Unpack(ByteSpan(whole).first(size), place / "out");
    if (fs::exists(place / "out/a")) {
      EXPECT_EQ(ReadText(place / "out/a"), std::string(600, 'a'));
    }
    fs::remove_all(place / "out");
    EXPECT_EQ(CountIn(place.path()), 0U);
  }
}

TEST(HostileArchive, MoreThanAMillionEntriesAreRefused) {
  // Hard links to one file, written on the fly: a million headers are 512 MB.
  class Many final : public ByteSource {
   public:
    Result<std::size_t> Read(MutableByteSpan out) override {
      std::size_t done = 0;
      while (done < out.size()) {
        if (at_ == block_.size()) Refill();
        const std::size_t part = std::min(out.size() - done, block_.size() - at_);
        std::copy_n(block_.begin() + static_cast<std::ptrdiff_t>(at_), part,
                    out.begin() + static_cast<std::ptrdiff_t>(done));
        at_ += part;
        done += part;
      }
      return done;
    }

   private:
    void Refill() {
      at_ = 0;
      block_ = count_ == 0 ? In().End() : TarBuilder().Link(fmt::format("d/{}", count_), "x").End();
      block_.resize(block_.size() - 1024);
      ++count_;
    }
    std::size_t count_ = 0;
    std::size_t at_ = 0;
    Bytes block_;
  };
  if (std::getenv("SALUS_NIGHTLY") == nullptr) GTEST_SKIP() << "takes a million links: nightly";
  const TestFolder place;
  Many many;
  auto reader = ArchiveReader::Create(place / "out");
  ASSERT_TRUE(reader.has_value());
  const auto refused = (*reader)->Unpack(many);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("a million entries"), std::string::npos);
}

TEST(ArchiveReader, TakesAnEmptyFolderAndNoOther) {
  const TestFolder place;
  const Bytes archive = In().File("d/a").End();
  fs::create_directories(place / "empty");
  EXPECT_TRUE(Unpack(archive, place.path().string() + "/empty/").has_value());
  fs::create_directories(place / "full/x");
  WriteText(place / "file", "");
  fs::create_symlink("empty", place / "link");
  for (const char* name : {"full", "file", "link", "empty"}) {
    EXPECT_EQ(Unpack(archive, place / name).error().code, ErrorCode::kAlreadyExists) << name;
  }
  EXPECT_EQ(Unpack(archive, place / "missing/out").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(CountIn(place.path()), 4U);
}

TEST(ArchiveReader, RefusesAFolderThatWasMadeMeanwhile) {
  const TestFolder place;
  const Bytes archive = In().File("d/a").Folder("d/shut/", 0555).File("d/shut/f").End();
  auto reader = ArchiveReader::Create(place / "out");
  ASSERT_TRUE(reader.has_value());
  MemorySource source(archive);
  ASSERT_TRUE((*reader)->Unpack(source).has_value());
  fs::create_directories(place / "out/theirs");
  EXPECT_EQ((*reader)->Commit(OutputFile::Durability::kEachFile).error().code,
            ErrorCode::kAlreadyExists);
  reader->reset();
  EXPECT_EQ(CountIn(place.path()), 1U);
  EXPECT_EQ(CountIn(place / "out"), 1U);
}

TEST(ArchiveReader, PassesOnTheErrorOfItsSource) {
  class Broken final : public ByteSource {
   public:
    explicit Broken(ByteSpan bytes) : first_(bytes) {}
    Result<std::size_t> Read(MutableByteSpan out) override {
      TRY(const std::size_t size, first_.Read(out));
      if (size == 0) return VerificationFailed("changed");
      return size;
    }

   private:
    MemorySource first_;
  };
  // At the first byte, amid a file, and behind the archive's end.
  const Bytes archive = In().File("d/a", std::string(200'000, 'a')).End();
  for (const std::size_t size : {std::size_t{0}, std::size_t{100'000}, archive.size()}) {
    const TestFolder place;
    auto reader = ArchiveReader::Create(place / "out");
    ASSERT_TRUE(reader.has_value());
    Broken source(ByteSpan(archive).first(size));
    EXPECT_EQ((*reader)->Unpack(source).error().code, ErrorCode::kVerificationFailed);
    reader->reset();
    EXPECT_EQ(CountIn(place.path()), 0U);
  }
}

}  // namespace
}  // namespace salus::seal
