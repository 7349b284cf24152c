#include "seal/folder_sink.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/test_folder.h"
#include "seal/tar_builder.h"

namespace salus::seal {
namespace {

constexpr auto kSynced = OutputFile::Durability::kEachFile;

std::size_t CountIn(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

Bytes Sample() { return TarBuilder().Folder("d/").File("d/a", std::string(300'000, 'a')).End(); }

TEST(FolderSink, UnpacksWhatIsWrittenInAnyParts) {
  const Bytes archive = Sample();
  for (const std::size_t part : {std::size_t{333}, std::size_t{65'536}, archive.size()}) {
    const TestFolder place;
    auto sink = FolderSink::Create(place / "out");
    ASSERT_TRUE(sink.has_value());
    for (ByteSpan rest = archive; !rest.empty();) {
      const std::size_t size = std::min(part, rest.size());
      ASSERT_TRUE((*sink)->Write(rest.first(size)).has_value());
      rest = rest.subspan(size);
    }
    EXPECT_FALSE(std::filesystem::exists(place / "out"));
    ASSERT_TRUE((*sink)->Finish(kSynced).has_value());
    EXPECT_EQ(std::filesystem::file_size(place / "out/a"), 300'000U);
    EXPECT_EQ((*sink)->entry_count(), 2U);
  }
}

TEST(FolderSink, LeavesNothingWithoutFinish) {
  const TestFolder place;
  const Bytes archive = Sample();
  for (const std::size_t size : {std::size_t{0}, std::size_t{100'000}, archive.size()}) {
    auto sink = FolderSink::Create(place / "out");
    ASSERT_TRUE(sink.has_value());
    ASSERT_TRUE((*sink)->Write(ByteSpan(archive).first(size)).has_value());
    sink->reset();
    EXPECT_EQ(CountIn(place.path()), 0U);
  }
}

TEST(FolderSink, TellsItsWriterWhatTheArchiveIsRefusedFor) {
  const TestFolder place;
  const Bytes hostile = TarBuilder().Folder("d/").File("d/../a").End();
  auto sink = FolderSink::Create(place / "out");
  ASSERT_TRUE(sink.has_value());
  // The writer learns it at the latest when it ends.
  Result<void> outcome = (*sink)->Write(hostile);
  for (int i = 0; i < 1000 && outcome.has_value(); ++i) outcome = (*sink)->Write(Bytes(65'536));
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE((*sink)->Finish(kSynced).error().message.find("entry 2"), std::string::npos);
  sink->reset();
  EXPECT_EQ(CountIn(place.path()), 0U);
}

TEST(FolderSink, RefusesAnArchiveThatIsCutOff) {
  const TestFolder place;
  const Bytes archive = Sample();
  auto sink = FolderSink::Create(place / "out");
  ASSERT_TRUE(sink.has_value());
  ASSERT_TRUE((*sink)->Write(ByteSpan(archive).first(100'000)).has_value());
  EXPECT_FALSE((*sink)->Finish(kSynced).has_value());
  sink->reset();
  EXPECT_EQ(CountIn(place.path()), 0U);
}

}  // namespace
}  // namespace salus::seal
