#include "base/metrics.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace salus {

double Histogram::UpperBound(int i) { return std::ldexp(1.0, i - 13); }

void Histogram::Observe(double seconds) {
  int i = 0;
  while (i < kBuckets && seconds > UpperBound(i)) ++i;
  buckets_[i].fetch_add(1, std::memory_order_relaxed);
  sum_us_.fetch_add(static_cast<std::uint64_t>(seconds * 1e6), std::memory_order_relaxed);
}

namespace {

template <typename D>
auto& AddNamed(D& list, std::string_view name, std::string_view help, std::string_view labels) {
  auto& added = list.emplace_back();
  added.name = name;
  added.help = help;
  added.labels = labels;
  return added.metric;
}

template <typename D>
void AppendValues(std::string& out, const D& list, std::string_view type) {
  std::string_view previous;
  for (const auto& m : list) {
    if (m.name != previous) {
      fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", m.name, m.help,
                     m.name, type);
    }
    previous = m.name;
    if (m.labels.empty()) {
      fmt::format_to(std::back_inserter(out), "{} {}\n", m.name, m.metric.value());
    } else {
      fmt::format_to(std::back_inserter(out), "{}{{{}}} {}\n", m.name, m.labels, m.metric.value());
    }
  }
}

void AppendHistogram(std::string& text, std::string_view name, const Histogram& h) {
  auto out = std::back_inserter(text);
  std::uint64_t total = 0;
  for (int i = 0; i < Histogram::kBuckets; ++i) {
    total += h.bucket(i);
    fmt::format_to(out, "{}_bucket{{le=\"{:g}\"}} {}\n", name, Histogram::UpperBound(i), total);
  }
  total += h.bucket(Histogram::kBuckets);
  fmt::format_to(out, "{}_bucket{{le=\"+Inf\"}} {}\n{}_sum {:.6f}\n{}_count {}\n", name, total,
                 name, static_cast<double>(h.sum_us()) * 1e-6, name, total);
}

}  // namespace

Counter& MetricRegistry::NewCounter(std::string_view name, std::string_view help,
                                    std::string_view labels) {
  std::lock_guard lock(mutex_);
  return AddNamed(counters_, name, help, labels);
}

Gauge& MetricRegistry::NewGauge(std::string_view name, std::string_view help,
                                std::string_view labels) {
  std::lock_guard lock(mutex_);
  return AddNamed(gauges_, name, help, labels);
}

Histogram& MetricRegistry::NewHistogram(std::string_view name, std::string_view help) {
  std::lock_guard lock(mutex_);
  return AddNamed(histograms_, name, help, "");
}

std::string MetricRegistry::Text() const {
  std::lock_guard lock(mutex_);
  std::string out;
  AppendValues(out, counters_, "counter");
  AppendValues(out, gauges_, "gauge");
  for (const auto& h : histograms_) {
    fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} histogram\n", h.name, h.help,
                   h.name);
    AppendHistogram(out, h.name, h.metric);
  }
  return out;
}

}  // namespace salus
