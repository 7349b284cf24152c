#include "storage/membership_filter.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>
#include "base/random.h"

namespace salus::storage {
namespace {

std::vector<std::uint64_t> RandomKeys(std::uint64_t seed, std::size_t count) {
  SeededRandom random(seed);
  std::vector<std::uint64_t> keys(count);
  for (auto& key : keys) key = random.Next();
  return keys;
}

double FalsePositives(const MembershipFilter& filter) {
  const auto others = RandomKeys(99, 200000);
  std::vector<std::uint8_t> found(others.size());
  filter.MayContainMany(others, found);
  std::size_t positives = 0;
  for (std::size_t i = 0; i < others.size(); ++i) {
    EXPECT_EQ(found[i] != 0, filter.MayContain(others[i]));
    positives += found[i];
  }
  return static_cast<double>(positives) / static_cast<double>(others.size());
}

TEST(MembershipFilterTest, HasAllItsKeysAndFewOthers) {
  const auto keys = RandomKeys(1, 500000);
  MembershipFilter filter(keys.size());
  filter.AddMany(keys);
  EXPECT_EQ(filter.key_count(), keys.size());
  EXPECT_EQ(filter.generation_count(), 1);
  std::vector<std::uint8_t> found(keys.size());
  filter.MayContainMany(keys, found);
  for (const std::uint8_t f : found) ASSERT_EQ(f, 1);
  EXPECT_LT(FalsePositives(filter), 0.015);
  EXPECT_LE(static_cast<double>(filter.memory_bytes()), 1.35 * static_cast<double>(keys.size()));
}

TEST(MembershipFilterTest, GrowsByDoubling) {
  const auto keys = RandomKeys(2, 400000);
  MembershipFilter filter(100000);
  filter.AddMany(keys);
  EXPECT_EQ(filter.generation_count(), 3);
  for (const std::uint64_t key : keys) ASSERT_TRUE(filter.MayContain(key));
  EXPECT_LT(FalsePositives(filter), 3 * 0.015);
  EXPECT_LE(static_cast<double>(filter.memory_bytes()), 1.35 * static_cast<double>(keys.size()));
}

TEST(MembershipFilterTest, AnEmptyOneHasNothing) {
  MembershipFilter filter(0);
  EXPECT_EQ(FalsePositives(filter), 0.0);
}

TEST(MembershipFilterTest, ReadersSeeWhatWasAddedBefore) {
  const auto keys = RandomKeys(3, 60000);
  MembershipFilter filter(1000);
  std::atomic<int> wrong{0};
  std::thread reader([&] {
    for (std::uint64_t added = 0; added < keys.size();) {
      added = filter.key_count();
      if (added > 0 && !filter.MayContain(keys[added - 1])) ++wrong;
    }
  });
  for (const std::uint64_t key : keys) filter.Add(key);
  reader.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace salus::storage
