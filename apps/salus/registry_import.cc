#include "apps/salus/registry_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

namespace salus::cli {

namespace {

constexpr std::size_t kMaxImportBytes = 64u << 20;

std::string Beside(const std::string& file, const std::string& path) {
  if (path.empty() || path.front() == '/') return path;
  return (std::filesystem::path(file).parent_path() / path).string();
}

}  // namespace

Error AtLine(const std::string& path, std::uint64_t line, Error error) {
  return std::move(error).WithContext(fmt::format("{}: line {}", path, line));
}

Result<std::vector<std::pair<std::uint64_t, RegistryRow>>> ReadRegistry(
    const std::string& path, const std::vector<std::string>& known) {
  TRY(const std::string text, ReadTextFile(path, kMaxImportBytes));
  Result<CsvFile> file = ParseCsv(text);
  if (!file) return std::move(file.error()).WithContext(path);
  for (const std::string& name : file->header) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return AtLine(
          path, 1,
          InvalidArgument(fmt::format("column not known; there are {}", fmt::join(known, ", "))));
    }
  }
  if (!file->Column("id")) return AtLine(path, 1, InvalidArgument("the column id is missing"));
  const auto cell = [&file](const CsvRow& row, std::string_view name) {
    const Result<std::size_t> at = file->Column(name);
    return at ? row.fields[*at] : std::string();
  };
  std::vector<std::pair<std::uint64_t, RegistryRow>> rows;
  std::map<std::pair<std::string, std::string>, std::uint64_t> seen;
  for (const CsvRow& row : file->rows) {
    RegistryRow read{cell(row, "id"), cell(row, "system"), cell(row, "name"),
                     Beside(path, cell(row, "certificate")), Beside(path, cell(row, "key"))};
    const auto [first, is_new] = seen.try_emplace({read.system, read.id}, row.line);
    if (!is_new) {
      return AtLine(path, row.line,
                    InvalidArgument(fmt::format("the id of line {} again", first->second)));
    }
    rows.emplace_back(row.line, std::move(read));
  }
  return rows;
}

}  // namespace salus::cli
