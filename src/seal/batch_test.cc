#include "seal/batch.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <set>

#include "base/test_folder.h"

namespace salus::seal {
namespace {

TEST(Batch, NamesOutputsAfterTheirInputs) {
  const auto batch = Batch::Plan({"a/x.txt", "y", "b/photos/"}, "out", SealedName);
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->files()[0].output, "out/x.txt.age");
  EXPECT_EQ(batch->files()[1].output, "out/y.age");
  EXPECT_EQ(batch->files()[2].output, "out/photos.age");
  const auto back = Batch::Plan({"in/x.txt.age"}, "out/", OpenedName);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->files()[0].output, "out/x.txt");
}

TEST(Batch, RefusesNamesThatCanNotBeToldApart) {
  const auto same = Batch::Plan({"a/x", "b/y", "b/x"}, "out", SealedName);
  ASSERT_FALSE(same.has_value());
  EXPECT_NE(same.error().message.find("a/x and b/x"), std::string::npos);
  for (const char* nameless : {"-", ".", "..", "/", "a/..", "a/../"}) {
    EXPECT_EQ(Batch::Plan({nameless}, "out", SealedName).error().code, ErrorCode::kInvalidArgument)
        << nameless;
  }
  for (const char* other : {"x.txt", ".age"}) {
    EXPECT_EQ(Batch::Plan({other}, "out", OpenedName).error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Batch, GoesOnAfterAFailureAndNamesItInItsPlace) {
  const TestFolder folder;
  std::vector<std::string> inputs;
  for (int i = 0; i < 1000; ++i) inputs.push_back(fmt::format("{}", i));
  const auto batch = Batch::Plan(inputs, folder.path(), SealedName);
  ASSERT_TRUE(batch.has_value());
  for (const unsigned threads : {0U, 1U, 7U, 5000U}) {
    std::atomic<int> done = 0;
    const auto errors = batch->Run(threads, [&](const BatchFile& file) -> Result<void> {
      done.fetch_add(1);
      if (file.input.ends_with("7")) return NotFound(file.input);
      return {};
    });
    ASSERT_TRUE(errors.has_value());
    EXPECT_EQ(done, 1000);
    for (std::size_t i = 0; i < 1000; ++i) {
      ASSERT_EQ((*errors)[i].has_value(), i % 10 == 7);
      if ((*errors)[i].has_value()) {
        EXPECT_EQ((*errors)[i]->message, inputs[i]);
      }
    }
  }
}

TEST(Batch, WorksOnAsManyFilesAtATimeAsItHasThreads) {
  const TestFolder folder;
  const auto batch = Batch::Plan({"a", "b", "c"}, folder.path(), SealedName);
  ASSERT_TRUE(batch.has_value());
  // Each waits for the two others: on fewer threads this would never end.
  std::latch all(3);
  ASSERT_TRUE(batch
                  ->Run(3,
                        [&](const BatchFile& /*unused*/) -> Result<void> {
                          all.arrive_and_wait();
                          return {};
                        })
                  .has_value());
}

TEST(Batch, SaysThatTheFolderIsGone) {
  const auto batch = Batch::Plan({"a"}, "/nonexistent", SealedName);
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(
      batch->Run(1, [](const BatchFile& /*unused*/) -> Result<void> { return {}; }).error().code,
      ErrorCode::kNotFound);
}

}  // namespace
}  // namespace salus::seal
