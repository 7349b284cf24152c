// CsvReader reads RFC 4180 files with a header row: quoted fields, doubled quotes, line breaks
// inside quotes, CRLF or LF.
//
// Source: RFC 4180; stricter: every row has as many fields as the header, UTF-8, no bare quote.
// Shape:  at most 64 MiB, 64 columns, 4 KiB a field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace salus::cli {

// CsvRow is one row, and the line of the file that it begins on.
struct CsvRow {
  std::uint64_t line = 0;
  std::vector<std::string> fields;
};

struct CsvFile {
  std::vector<std::string> header;
  std::vector<CsvRow> rows;

  // Column is the place of a column in every row. Errors: NotFound.
  Result<std::size_t> Column(std::string_view name) const;
};

// Errors: InvalidArgument "line N: ...".
Result<CsvFile> ParseCsv(std::string_view text);

}  // namespace salus::cli
