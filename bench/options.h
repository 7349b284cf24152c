// Options are the `--name value` arguments of a benchmark's command line.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace salus::bench {

// A name that has no default, or a number that is none, ends the process with the list of names.
class Options {
 public:
  Options(int argc, char** argv, std::map<std::string, std::string, std::less<>> defaults);

  const std::string& Text(std::string_view name) const;
  std::uint64_t Number(std::string_view name) const;

 private:
  [[noreturn]] void Fail(const char* program, std::string_view problem) const;

  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace salus::bench
