#include "http/admission.h"

#include <gtest/gtest.h>

namespace salus::http {
namespace {

TEST(Admission, CountsAnIpv6AddressByItsNetwork) {
  Admission admission(100, 2);
  EXPECT_TRUE(admission.Admit("2001:db8:1:2::1"));
  EXPECT_TRUE(admission.Admit("2001:db8:1:2:ffff::7"));
  EXPECT_FALSE(admission.Admit("2001:db8:1:2::3")) << "one subscriber has a whole /64";
  EXPECT_TRUE(admission.Admit("2001:db8:1:3::1"));
  EXPECT_TRUE(admission.Admit("192.0.2.1"));
  EXPECT_TRUE(admission.Admit("192.0.2.1"));
  EXPECT_FALSE(admission.Admit("192.0.2.1"));
  EXPECT_TRUE(admission.Admit("192.0.2.2"));
  admission.Leave("2001:db8:1:2::1");
  EXPECT_TRUE(admission.Admit("2001:db8:1:2::3"));
  EXPECT_EQ(admission.open(), 6u);
}

TEST(Admission, RefusesMoreThanItsTotal) {
  Admission admission(2, 2);
  EXPECT_TRUE(admission.Admit("192.0.2.1"));
  EXPECT_TRUE(admission.Admit("2001:db8::1"));
  EXPECT_FALSE(admission.Admit("192.0.2.3"));
  admission.Leave("2001:db8::1");
  EXPECT_TRUE(admission.Admit("192.0.2.3"));
}

}  // namespace
}  // namespace salus::http
