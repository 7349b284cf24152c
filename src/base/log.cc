#include "base/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <iterator>

namespace salus {

namespace {

std::atomic<LogLevel> minimum_level = LogLevel::kInfo;

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

// Escapes what JSON forbids inside a string; anything outside printable ASCII becomes '?', because
// a log line is no place for it.
void AppendJsonString(fmt::memory_buffer& out, std::string_view text) {
  out.push_back('"');
  for (char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c >= 0x20 && c < 0x7f ? c : '?');
  }
  out.push_back('"');
}

void AppendTime(fmt::memory_buffer& out) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  tm utc;
  gmtime_r(&now.tv_sec, &utc);
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                 utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                 utc.tm_sec, now.tv_nsec / 1'000'000);
}

}  // namespace

void SetLogLevel(LogLevel level) { minimum_level = level; }

std::string LogLine(LogLevel level, std::string_view message,
                    std::initializer_list<LogField> fields) {
  fmt::memory_buffer line;
  auto out = std::back_inserter(line);
  fmt::format_to(out, "{{\"time\":\"");
  AppendTime(line);
  fmt::format_to(out, "\",\"level\":\"{}\",\"message\":", LevelName(level));
  AppendJsonString(line, message);
  for (const LogField& field : fields) {
    fmt::format_to(out, ",\"{}\":", field.name);
    if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
      fmt::format_to(out, "{}", *number);
    } else if (const auto* real = std::get_if<double>(&field.value)) {
      fmt::format_to(out, "{:.6g}", *real);
    } else {
      AppendJsonString(line, std::get<std::string_view>(field.value));
    }
  }
  fmt::format_to(out, "}}\n");
  return fmt::to_string(line);
}

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (level < minimum_level.load(std::memory_order_relaxed)) return;
  const std::string line = LogLine(level, message, fields);
  [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace salus
