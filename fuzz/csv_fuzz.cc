// What a registry file parses to is written with every field quoted, and parses to the same again;
// each row is as wide as the header, and stands on a line of its own.
#include <algorithm>
#include <cstdint>

#include "apps/salus/csv_reader.h"
#include "base/bytes.h"
#include "base/check.h"

namespace salus::cli {
namespace {

std::string Quoted(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    line += line.empty() ? "\"" : ",\"";
    for (const char c : field) line += c == '"' ? "\"\"" : std::string(1, c);
    line += '"';
  }
  return line + "\r\n";
}

void CheckOne(std::string_view text) {
  const Result<CsvFile> file = ParseCsv(text);
  if (!file) {
    CHECK(file.error().message.starts_with("line "));
    return;
  }
  const auto lines = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  std::string again = Quoted(file->header);
  std::uint64_t last_line = 1;
  for (const CsvRow& row : file->rows) {
    CHECK(row.fields.size() == file->header.size());
    CHECK(row.line > last_line && row.line <= lines);
    last_line = row.line;
    again += Quoted(row.fields);
  }
  const Result<CsvFile> same = ParseCsv(again);
  CHECK(same.has_value());
  CHECK(same->header == file->header && same->rows.size() == file->rows.size());
  for (std::size_t i = 0; i < same->rows.size(); ++i) {
    CHECK(same->rows[i].fields == file->rows[i].fields);
  }
  for (std::size_t i = 0; i < file->header.size(); ++i) {
    CHECK(file->Column(file->header[i]).value() == i);
  }
}

}  // namespace
}  // namespace salus::cli

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::cli::CheckOne(salus::AsText({data, size}));
  return 0;
}
