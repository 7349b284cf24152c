// Armor that is read is, but for white space around it and CRLF, the text that is written for its
// bytes.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "seal/armor.h"

namespace {

std::string Plain(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    out += text[i];
  }
  constexpr std::string_view kSpace = " \t\r\n";
  out.erase(0, std::min(out.size(), out.find_first_not_of(kSpace)));
  out.erase(out.find_last_not_of(kSpace) + 1);
  return out + "\n";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using salus::seal::ArmorSink, salus::seal::ArmorSource, salus::seal::BufferedSource;
  using salus::seal::MemorySink, salus::seal::MemorySource;
  MemorySource memory({data, size});
  BufferedSource source(memory);
  if (!salus::seal::IsArmored(source).value()) return 0;
  ArmorSource armor(source);
  salus::Bytes bytes(size);
  const auto got = armor.Read(bytes);
  if (!got) return 0;
  bytes.resize(*got);
  MemorySink written;
  ArmorSink again(written);
  CHECK(again.Write(bytes).has_value());
  CHECK(again.Finish().has_value());
  CHECK(salus::AsText(written.bytes()) == Plain(salus::AsText({data, size})));
  return 0;
}
