#include "bench/options.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "base/check.h"

namespace salus::bench {

Options::Options(int argc, char** argv, std::map<std::string, std::string, std::less<>> defaults)
    : values_(std::move(defaults)) {
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name(argv[i]);
    const auto known = name.starts_with("--") ? values_.find(name.substr(2)) : values_.end();
    if (known == values_.end() || i + 1 == argc) Fail(argv[0], name);
    known->second = argv[i + 1];
  }
}

const std::string& Options::Text(std::string_view name) const {
  const auto found = values_.find(name);
  CHECK(found != values_.end());
  return found->second;
}

std::uint64_t Options::Number(std::string_view name) const {
  const std::string& text = Text(name);
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) Fail("", name);
  return value;
}

void Options::Fail(const char* program, std::string_view problem) const {
  std::fprintf(stderr, "%s: '%.*s' is not understood. Options, with their defaults:\n", program,
               static_cast<int>(problem.size()), problem.data());
  for (const auto& [name, value] : values_) {
    std::fprintf(stderr, "  --%s %s\n", name.c_str(), value.c_str());
  }
  std::exit(2);
}

}  // namespace salus::bench
