#include "proxy/backend_quota.h"

#include <gtest/gtest.h>

namespace salus::proxy {
namespace {

TEST(BackendQuota, BoundsAllAndEachAddress) {
  BackendQuota quota(3, 2);
  const auto one = quota.ShareOf("2001:db8::1");
  const auto other = quota.ShareOf("192.0.2.1");
  EXPECT_EQ(one, quota.ShareOf("2001:db8::2")) << "of the same /64";
  EXPECT_TRUE(quota.Take(*one));
  EXPECT_TRUE(quota.Take(*one));
  EXPECT_FALSE(quota.Take(*one)) << "two an address";
  EXPECT_TRUE(quota.Take(*other));
  EXPECT_FALSE(quota.Take(*other)) << "three in all";
  quota.GiveBack(*one);
  EXPECT_TRUE(quota.Take(*other));
  EXPECT_EQ(*one, 1u);
  EXPECT_EQ(*other, 2u);
}

TEST(BackendQuota, ForgetsWhoIsGone) {
  BackendQuota quota(3, 2);
  const auto kept = quota.ShareOf("192.0.2.1");
  EXPECT_TRUE(quota.Take(*kept));
  for (int i = 0; i < 5'000; ++i)
    quota.ShareOf("10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256));
  EXPECT_EQ(kept, quota.ShareOf("192.0.2.1"));
  EXPECT_EQ(*kept, 1u);
}

}  // namespace
}  // namespace salus::proxy
