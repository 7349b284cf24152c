#include "apps/salus/csv_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxColumns = 64;
constexpr std::size_t kMaxFieldBytes = 4096;

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ >= text_.size(); }

  Result<CsvRow> Row() {
    CsvRow row;
    row.line = line_;
    while (true) {
      TRY(std::string field, Field());
      row.fields.push_back(std::move(field));
      if (row.fields.size() > kMaxColumns) return At("too many fields");
      if (at_end()) return row;
      const char c = text_[at_++];
      if (c == ',') continue;
      if (c == '\r') {
        if (at_end() || text_[at_] != '\n') return At("a carriage return without a line feed");
        ++at_;
      }
      ++line_;
      return row;
    }
  }

 private:
  Error At(std::string_view what) const {
    return InvalidArgument(fmt::format("line {}: {}", line_, what));
  }

  Result<std::string> Field() {
    const bool is_quoted = !at_end() && text_[at_] == '"';
    std::string field;
    if (is_quoted) {
      TRY(field, Quoted());
    } else {
      while (!at_end() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r') {
        if (text_[at_] == '"') return At("a quote inside a field that does not begin with one");
        field += text_[at_++];
      }
    }
    if (field.size() > kMaxFieldBytes) return At("a field is longer than 4096 bytes");
    if (!IsValidUtf8(field)) return At("is not UTF-8");
    return field;
  }

  Result<std::string> Quoted() {
    const std::uint64_t opened = line_;
    std::string field;
    for (++at_; !at_end(); ++at_) {
      const char c = text_[at_];
      if (c == '\n') ++line_;
      if (c != '"') {
        field += c;
        continue;
      }
      if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        field += '"';
        ++at_;
        continue;
      }
      ++at_;
      const bool is_closed =
          at_end() || text_[at_] == ',' || text_[at_] == '\n' || text_[at_] == '\r';
      if (!is_closed) return At("text behind a closing quote");
      return field;
    }
    return InvalidArgument(fmt::format("line {}: a quote is opened and never closed", opened));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 1;
};

}  // namespace

Result<std::size_t> CsvFile::Column(std::string_view name) const {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) return NotFound("no column " + std::string(name));
  return static_cast<std::size_t>(found - header.begin());
}

Result<CsvFile> ParseCsv(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  Scanner scanner(text);
  if (scanner.at_end()) return InvalidArgument("line 1: the file is empty, a header row is needed");
  CsvFile file;
  TRY(CsvRow header, scanner.Row());
  file.header = std::move(header.fields);
  for (std::size_t i = 0; i < file.header.size(); ++i) {
    const auto begin = file.header.begin();
    if (std::find(begin, begin + static_cast<std::ptrdiff_t>(i), file.header[i]) !=
        begin + static_cast<std::ptrdiff_t>(i)) {
      return InvalidArgument("line 1: a column is named twice");
    }
  }
  while (!scanner.at_end()) {
    TRY(CsvRow row, scanner.Row());
    if (row.fields.size() == 1 && row.fields[0].empty()) continue;  // an empty line
    if (row.fields.size() != file.header.size()) {
      return InvalidArgument(fmt::format("line {}: {} fields, the header has {}", row.line,
                                         row.fields.size(), file.header.size()));
    }
    file.rows.push_back(std::move(row));
  }
  return file;
}

}  // namespace salus::cli
