// Counters, gauges and histograms, with their Prometheus text form.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

namespace salus {

// Counter only grows. Threads: safe; meant to be stepped once a batch, not once a byte.
class Counter {
 public:
  void Add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Gauge goes up and down. Threads: safe.
class Gauge {
 public:
  void Set(std::int64_t v) { value_.store(v, std::memory_order_relaxed); }
  void Add(std::int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// Histogram counts durations in buckets of powers of two from 2^-13 s (122 us) to 8 s.
// Threads: safe.
class Histogram {
 public:
  static constexpr int kBuckets = 17;
  void Observe(double seconds);
  std::uint64_t bucket(int i) const { return buckets_[i].load(std::memory_order_relaxed); }
  static double UpperBound(int i);
  std::uint64_t sum_us() const { return sum_us_.load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<std::uint64_t>, kBuckets + 1> buckets_{};
  std::atomic<std::uint64_t> sum_us_{0};
};

// MetricRegistry owns the metrics of one node; references it returns live as long as it does.
// Threads: safe.
class MetricRegistry {
 public:
  // name and help are constants in Prometheus' form ("salus_events_total"); labels is empty or
  // `reason="disk full"`.
  Counter& NewCounter(std::string_view name, std::string_view help, std::string_view labels = "");
  Gauge& NewGauge(std::string_view name, std::string_view help, std::string_view labels = "");
  Histogram& NewHistogram(std::string_view name, std::string_view help);

  // Text is the Prometheus exposition format 0.0.4.
  std::string Text() const;

 private:
  template <typename M>
  struct Named {
    std::string name, help, labels;
    M metric;
  };
  mutable std::mutex mutex_;
  std::deque<Named<Counter>> counters_;      // guarded by mutex_; elements never move
  std::deque<Named<Gauge>> gauges_;          // guarded by mutex_
  std::deque<Named<Histogram>> histograms_;  // guarded by mutex_
};

}  // namespace salus
