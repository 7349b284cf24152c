#include "proxy/line_writer.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>

#include "base/test_folder.h"

namespace salus::proxy {
namespace {

TEST(LineWriter, WritesInOrder) {
  const TestFolder folder;
  const std::string path = folder / "log";
  {
    const auto writer = *LineWriter::Open(path);
    for (int i = 0; i < 3'000; ++i) writer->Add(std::to_string(i) + "\n");
  }
  std::string want;
  for (int i = 0; i < 3'000; ++i) want += std::to_string(i) + "\n";
  std::ifstream file(path);
  const std::string found(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(found, want);
  EXPECT_FALSE(LineWriter::Open("/none/log"));
}

// A pipe that nobody reads: nothing waits for it but the writer's own thread, and that not for
// ever.
TEST(LineWriter, EndsBesideAFullPipe) {
  const TestFolder folder;
  const std::string path = folder / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  const auto start = std::chrono::steady_clock::now();
  {
    const auto writer = *LineWriter::Open(path);
    const std::string line(1'000, 'x');
    for (int i = 0; i < 10'000; ++i) writer->Add(line + "\n");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
  close(reader);
}

}  // namespace
}  // namespace salus::proxy
