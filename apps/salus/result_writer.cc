#include "apps/salus/result_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace salus::cli {

namespace {

constexpr std::size_t kHeldRows = 256;
constexpr std::size_t kMaxColumn = 60;

std::string CellText(const codec::JsonObject& row, const std::string& name) {
  const codec::Json* value = row.if_contains(name);
  if (value == nullptr || value->is_null()) return "";
  if (const auto* text = value->if_string()) return std::string(text->begin(), text->end());
  return codec::WriteJson(*value);
}

// Characters, not bytes: UTF-8 continuation bytes take no place.
std::size_t WidthOf(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

void Print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

}  // namespace

Result<OutputFormat> ParseOutputFormat(std::string_view text) {
  if (text == "table") return OutputFormat::kTable;
  if (text == "json") return OutputFormat::kJson;
  if (text == "ndjson") return OutputFormat::kNdjson;
  if (text == "csv") return OutputFormat::kCsv;
  if (text == "fhir") return OutputFormat::kFhir;
  return InvalidArgument("--format: one of table, json, ndjson, csv, fhir");
}

std::string CsvField(std::string_view raw) {
  const std::string text = Printable(raw);
  constexpr std::string_view kFormulaStarts = "=+-@";
  const bool is_formula = !text.empty() && kFormulaStarts.find(text.front()) != text.npos;
  const std::string_view mark = is_formula ? "'" : "";
  if (text.find_first_of(",\"") == text.npos) return std::string(mark).append(text);
  std::string out = std::string("\"").append(mark);
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

ResultWriter::ResultWriter(const Terminal& terminal, OutputFormat format,
                           std::vector<std::string> columns)
    : terminal_(terminal), format_(format), columns_(std::move(columns)) {
  if (format_ != OutputFormat::kCsv) return;
  std::string line;
  for (const std::string& column : columns_) line += (line.empty() ? "" : ",") + CsvField(column);
  Print(line + "\r\n");
}

void ResultWriter::Row(codec::JsonObject row, Colour colour) {
  ++rows_;
  if (format_ == OutputFormat::kNdjson || format_ == OutputFormat::kFhir) {
    Print(codec::WriteJson(row) + "\n");
    return;
  }
  if (format_ == OutputFormat::kJson) {
    Print((rows_ == 1 ? "[\n  " : ",\n  ") + codec::WriteJson(row));
    return;
  }
  std::vector<std::string> cells;
  for (const std::string& column : columns_) cells.push_back(CellText(row, column));
  if (format_ == OutputFormat::kCsv) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) line += (i == 0 ? "" : ",") + CsvField(cells[i]);
    Print(line + "\r\n");
    return;
  }
  for (std::string& cell : cells) cell = Printable(cell);
  if (!widths_.empty()) return PrintTableRow(cells, colour);
  held_.push_back({std::move(cells), colour});
  if (held_.size() == kHeldRows) FlushTable();
}

void ResultWriter::FlushTable() {
  if (!widths_.empty()) return;
  std::vector<std::string> header;
  for (const std::string& column : columns_) {
    std::string name = column;
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    widths_.push_back(WidthOf(name));
    header.push_back(std::move(name));
  }
  for (const Held& row : held_) {
    for (std::size_t i = 0; i < widths_.size(); ++i) {
      widths_[i] = std::max(widths_[i], std::min(WidthOf(row.cells[i]), kMaxColumn));
    }
  }
  if (held_.empty()) return;
  PrintTableRow(header, Colour::kBold);
  for (const Held& row : held_) PrintTableRow(row.cells, row.colour);
  held_.clear();
}

void ResultWriter::PrintTableRow(const std::vector<std::string>& cells, Colour colour) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    if (i + 1 == cells.size()) break;
    const std::size_t width = WidthOf(cells[i]);
    line.append(width < widths_[i] ? widths_[i] - width + 2 : 2, ' ');
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  Print(terminal_.PaintResult(line, colour) + "\n");
}

void ResultWriter::Finish() {
  if (is_finished_) return;
  is_finished_ = true;
  if (format_ == OutputFormat::kTable) FlushTable();
  if (format_ == OutputFormat::kJson) Print(rows_ == 0 ? "[]\n" : "\n]\n");
  std::fflush(stdout);
}

}  // namespace salus::cli
