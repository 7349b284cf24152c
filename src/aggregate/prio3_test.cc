#include "aggregate/prio3.h"

#include <gtest/gtest.h>

namespace salus::aggregate {
namespace {

TEST(Prio3, RefusesAnInstanceThatItDoesNotKnow) {
  EXPECT_FALSE(Prio3::Create({.circuit = static_cast<Circuit>(99)}).has_value());
}

}  // namespace
}  // namespace salus::aggregate
