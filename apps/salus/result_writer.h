// ResultWriter prints rows to the standard output as a table, JSON, NDJSON or CSV, as they come.
//
// Shape: CSV as RFC 4180 with a header row, its cells as CsvField says; JSON is one array, NDJSON a
//        row a line, both unchanged; a table and CSV are made Printable, since what others reported
//        must not drive the reader's terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apps/salus/terminal.h"
#include "base/result.h"
#include "codec/json.h"

namespace salus::cli {

enum class OutputFormat { kTable, kJson, kNdjson, kCsv, kFhir };

// Errors: InvalidArgument with the names that there are.
Result<OutputFormat> ParseOutputFormat(std::string_view text);

class ResultWriter {
 public:
  // columns are the members of a row, in the table's order; other members show in JSON only.
  ResultWriter(const Terminal& terminal, OutputFormat format, std::vector<std::string> columns);
  ~ResultWriter() { Finish(); }
  ResultWriter(const ResultWriter&) = delete;
  ResultWriter& operator=(const ResultWriter&) = delete;

  void Row(codec::JsonObject row, Colour colour = Colour::kNone);
  // Finish prints what is held back; nothing comes after it.
  void Finish();
  std::uint64_t rows() const { return rows_; }

 private:
  struct Held {
    std::vector<std::string> cells;
    Colour colour;
  };
  void FlushTable();
  void PrintTableRow(const std::vector<std::string>& cells, Colour colour);

  const Terminal& terminal_;
  const OutputFormat format_;
  const std::vector<std::string> columns_;
  std::vector<Held> held_;           // a table's first rows decide its widths
  std::vector<std::size_t> widths_;  // empty until then
  std::uint64_t rows_ = 0;
  bool is_finished_ = false;
};

// CsvField is text as a table shows it (RFC 4180 has no control characters), quoted where that RFC
// asks for it. A text that a spreadsheet would take for a formula, since it begins with = + - @,
// gets an apostrophe in front.
std::string CsvField(std::string_view text);

}  // namespace salus::cli
