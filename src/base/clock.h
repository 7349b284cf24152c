// Clock is where time comes from, so that tests can turn it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace salus {

// Timestamp is a UTC instant in milliseconds since 1970-01-01, without leap seconds.
using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

// Day is a UTC calendar day; an epoch key lives for one.
using Day = std::chrono::sys_days;

inline Day DayOf(Timestamp time) { return std::chrono::floor<std::chrono::days>(time); }

inline std::int64_t ToUnixMillis(Timestamp time) { return time.time_since_epoch().count(); }
inline Timestamp FromUnixMillis(std::int64_t ms) {
  return Timestamp(std::chrono::milliseconds(ms));
}
inline std::uint32_t ToUnixDay(Day day) {
  return static_cast<std::uint32_t>(day.time_since_epoch().count());
}
inline Day FromUnixDay(std::uint32_t day) { return Day(std::chrono::days(day)); }

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp Now() const = 0;
  // Monotonic never goes back, and stands in no relation to UTC.
  virtual std::chrono::steady_clock::time_point Monotonic() const = 0;
};

// SystemClock reads the clocks of the operating system.
class SystemClock final : public Clock {
 public:
  Timestamp Now() const override;
  std::chrono::steady_clock::time_point Monotonic() const override;
};

// FakeClock stands still until a test moves it. Both readings move together unless JumpUtc is used.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Timestamp start) : now_ms_(ToUnixMillis(start)) {}
  Timestamp Now() const override { return FromUnixMillis(now_ms_.load()); }
  std::chrono::steady_clock::time_point Monotonic() const override {
    return std::chrono::steady_clock::time_point(std::chrono::milliseconds(monotonic_ms_.load()));
  }
  void Advance(std::chrono::milliseconds by) {
    now_ms_ += by.count();
    monotonic_ms_ += by.count();
  }
  void JumpUtc(Timestamp to) { now_ms_ = ToUnixMillis(to); }

 private:
  std::atomic<std::int64_t> now_ms_;
  std::atomic<std::int64_t> monotonic_ms_{1'000'000};
};

}  // namespace salus
