#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/salus/csv_reader.h"
#include "apps/salus/session.h"

namespace salus::cli {

// RegistryRow is one row of an import file: id,system,name,certificate,key. Paths are relative to
// it.
struct RegistryRow {
  std::string id;
  std::string system;
  std::string name;
  std::string certificate;
  std::string key;
};

// ReadRegistry reads an import file whose columns are among `known`; id is required.
//
// Errors: InvalidArgument "FILE: line N: ...", the first fault; an id that stands there twice too.
Result<std::vector<std::pair<std::uint64_t, RegistryRow>>> ReadRegistry(
    const std::string& path, const std::vector<std::string>& known);

// AtLine puts the file and line in front of an error's message.
Error AtLine(const std::string& path, std::uint64_t line, Error error);

}  // namespace salus::cli
