// Structured log lines on standard error: one JSON object a line.
//
// A field is a number or a short fixed word. Patient ids, user ids, keys and input never belong in
// one; a canary test greps the log for them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace salus {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

struct LogField {
  std::string_view name;
  std::variant<std::int64_t, double, std::string_view> value;
};

// SetLogLevel drops lines below level; the default is kInfo. Threads: safe.
void SetLogLevel(LogLevel level);

// LogLine is the line that Log writes, for who must not wait for standard error.
std::string LogLine(LogLevel level, std::string_view message,
                    std::initializer_list<LogField> fields = {});

// Log writes one line with one write(2), so that lines of threads never mix. Threads: safe.
// message is a constant that names what happened, e.g. "checkpoint published".
void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

}  // namespace salus
