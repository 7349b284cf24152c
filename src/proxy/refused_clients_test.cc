#include "proxy/refused_clients.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace salus::proxy {
namespace {

TEST(RefusedClientsTest, TellsAtMostOnceInTenSeconds) {
  std::vector<std::string> said;
  bool is_heard = true;
  RefusedClients refused([&](std::string_view text) {
    if (is_heard) said.emplace_back(text);
    return is_heard;
  });
  const std::chrono::steady_clock::time_point start{};
  const auto at = [&](int ms) { return start + std::chrono::milliseconds(ms); };
  refused.Note("it has expired", at(0));
  for (int i = 0; i < 1000; ++i) refused.Note("none was shown", at(9999));
  EXPECT_EQ(said, std::vector<std::string>{"a client's certificate was refused: it has expired"});
  refused.Note("none was shown", at(10'000));
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[1],
            "a client's certificate was refused: none was shown (1001 refused since the last such "
            "line)");
  is_heard = false;
  refused.Note("none was shown", at(20'000));
  is_heard = true;
  refused.Note("none was shown", at(30'000));
  ASSERT_EQ(said.size(), 3u);
  EXPECT_EQ(said[2],
            "a client's certificate was refused: none was shown (2 refused since the last such "
            "line)");
}

}  // namespace
}  // namespace salus::proxy
