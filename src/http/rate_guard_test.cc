#include "http/rate_guard.h"

#include <gtest/gtest.h>

namespace salus::http {
namespace {

using std::chrono::seconds;

TEST(RateGuard, LooksAtEachWindowOfAWait) {
  ServerLimits limits;
  limits.rate_window = seconds(5);
  limits.rate_bytes = 100;
  const std::chrono::steady_clock::time_point start{seconds(1000)};
  RateGuard guard;
  EXPECT_FALSE(guard.TooSlow(true, start, limits)) << "the wait begins";
  guard.Moved(99);
  EXPECT_FALSE(guard.TooSlow(true, start + seconds(4), limits));
  guard.Moved(1);
  EXPECT_FALSE(guard.TooSlow(true, start + seconds(5), limits)) << "just enough";
  guard.Moved(99);
  EXPECT_TRUE(guard.TooSlow(true, start + seconds(10), limits)) << "what came before is over";
  guard.Moved(100);
  EXPECT_FALSE(guard.TooSlow(true, start + seconds(15), limits));
}

TEST(RateGuard, IsPatientWhileNobodyWaits) {
  ServerLimits limits;
  limits.rate_window = seconds(5);
  const std::chrono::steady_clock::time_point start{seconds(1000)};
  RateGuard guard;
  EXPECT_FALSE(guard.TooSlow(true, start, limits));
  EXPECT_FALSE(guard.TooSlow(false, start + seconds(60), limits)) << "it is our turn";
  EXPECT_FALSE(guard.TooSlow(true, start + seconds(61), limits)) << "a new wait";
  EXPECT_FALSE(guard.TooSlow(true, start + seconds(65), limits));
  EXPECT_TRUE(guard.TooSlow(true, start + seconds(66), limits));
}

}  // namespace
}  // namespace salus::http
