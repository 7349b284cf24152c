#include "apps/salus/reported_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>

#include "apps/salus/csv_reader.h"
#include "apps/salus/dap_commands.h"
#include "codec/json.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxInputBytes = std::size_t{256} << 20;

Result<std::vector<std::int64_t>> ReadNumbers(std::span<const std::string> fields) {
  std::vector<std::int64_t> numbers;
  for (const std::string& field : fields) {
    TRY(const std::int64_t number, ReadWhole(field, std::numeric_limits<std::int64_t>::min(),
                                             std::numeric_limits<std::int64_t>::max()));
    numbers.push_back(number);
  }
  return numbers;
}

Error AtInputLine(const std::string& path, std::uint64_t line, const Error& error) {
  return InvalidArgument(fmt::format("{}: line {}: {}", path, line, error.message));
}

Result<std::vector<Value>> ReadCsv(const std::string& path, const std::string& text) {
  Result<CsvFile> csv = ParseCsv(text);
  if (!csv) return std::move(csv.error()).WithContext(path);
  // A file without a header would lose its first person without a word.
  const bool is_headless = std::ranges::any_of(csv->header, [](const std::string& name) {
    return !name.empty() && name.find_first_not_of("+-.0123456789 ") == std::string::npos;
  });
  if (is_headless) {
    return InvalidArgument(path +
                           ": its first line is a number: begin with a line of names, such "
                           "as height");
  }
  std::vector<Value> values;
  for (const CsvRow& row : csv->rows) {
    auto numbers = ReadNumbers(row.fields);
    if (!numbers) return AtInputLine(path, row.line, numbers.error());
    values.push_back({row.line, *std::move(numbers)});
  }
  return values;
}

Result<std::vector<std::int64_t>> ReadJsonLine(std::string_view line) {
  TRY(const codec::Json json, codec::ParseJson(line));
  const codec::Json* value = &json;
  if (json.is_object()) {
    value = json.as_object().if_contains("value");
    if (value == nullptr) return InvalidArgument("value: is missing");
  }
  std::vector<std::int64_t> numbers;
  const auto add = [&](const codec::Json& one) -> Result<void> {
    if (!one.is_int64()) return InvalidArgument("a value is a whole number, or a list of them");
    numbers.push_back(one.as_int64());
    return {};
  };
  if (!value->is_array()) {
    TRY_VOID(add(*value));
    return numbers;
  }
  for (const codec::Json& one : value->as_array()) TRY_VOID(add(one));
  return numbers;
}

Result<std::vector<Value>> ReadNdjson(const std::string& path, std::string_view text) {
  std::vector<Value> values;
  for (std::uint64_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (one.empty()) continue;
    auto numbers = ReadJsonLine(one);
    if (!numbers) return AtInputLine(path, line, numbers.error());
    values.push_back({line, *std::move(numbers)});
  }
  return values;
}

}  // namespace

Result<std::vector<Value>> ReadValues(Session& session) {
  const Arguments& given = session.arguments();
  if (given.Has("--value") == given.Has("--input")) {
    return session.Usage("say what to report: --value NUMBER, or --input FILE");
  }
  if (given.Has("--value")) {
    auto numbers = ReadNumbers(given.List("--value"));
    if (!numbers) return session.Usage("--value: " + numbers.error().message);
    return std::vector<Value>{{0, *std::move(numbers)}};
  }
  const std::string path = given.Text("--input");
  TRY(const std::string text, ReadTextFile(path, kMaxInputBytes));
  const bool is_csv = path.ends_with(".csv");
  TRY(std::vector<Value> values, is_csv ? ReadCsv(path, text) : ReadNdjson(path, text));
  if (values.empty()) return InvalidArgument(path + ": no value is in it");
  return values;
}

Result<void> CheckValues(const Session& session, const aggregate::DapTask& task,
                         const std::vector<Value>& values) {
  for (const Value& value : values) {
    const auto measurement = task.MeasurementOf(value.numbers);
    if (measurement) continue;
    if (value.line == 0) return measurement.error();
    return AtInputLine(session.arguments().Text("--input"), value.line, measurement.error());
  }
  return {};
}

}  // namespace salus::cli
