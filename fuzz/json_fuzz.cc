// What ParseJson takes it reads back from what WriteJson made of it; FlatJsonParser takes the same
// objects with the same members; ParseLines sees each line as Parse sees it alone; the slices of a
// value parse to its parts.
#include <charconv>
#include <cstdint>

#include "base/check.h"
#include "codec/flat_json.h"
#include "codec/json.h"
#include "codec/json_slice.h"

namespace salus::codec {
namespace {

bool SameValue(const FlatMember& member, const Json& value) {
  switch (member.kind) {
    case FlatKind::kString:
      return value.is_string() && value.get_string() == member.text;
    case FlatKind::kNumber:
      return value.is_number() && ParseJson(member.text).value() == value;
    case FlatKind::kTrue:
      return value.is_bool() && value.get_bool();
    case FlatKind::kFalse:
      return value.is_bool() && !value.get_bool();
    case FlatKind::kNull:
      return value.is_null();
    case FlatKind::kNested:
      return value.is_structured() && ParseJson(member.text).value() == value;
  }
  return false;
}

void CompareFlat(FlatJsonParser& parser, std::string_view text) {
  if (text.size() > FlatJsonParser::kMaxLineBytes) return;
  const auto tree = ParseJson(text);
  const auto flat = parser.Parse(text);
  const bool taken =
      tree && tree->is_object() && tree->get_object().size() <= FlatJsonParser::kMaxMembers;
  CHECK(flat.has_value() == taken);
  if (!flat) {
    // json: byte N: what is wrong there.
    const std::string_view said = flat.error().message;
    constexpr std::string_view kBegin = "json: byte ";
    CHECK(said.starts_with(kBegin));
    std::size_t offset = 0;
    std::from_chars(said.data() + kBegin.size(), said.data() + said.size(), offset);
    CHECK(offset <= text.size());
  }
  if (!taken) return;
  CHECK(flat->size() == tree->get_object().size());
  std::size_t i = 0;
  for (const auto& member : tree->get_object()) {
    const FlatMember& other = (*flat)[i++];
    CHECK(other.name == std::string_view(member.key()));
    CHECK(SameValue(other, member.value()));
  }
}

void CompareSlices(std::string_view text, const Json& tree) {
  const auto members = JsonMembers(text);
  const auto elements = JsonElements(text);
  CHECK(members.size() == (tree.is_object() ? tree.get_object().size() : 0));
  CHECK(elements.size() == (tree.is_array() ? tree.get_array().size() : 0));
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto& member = *(tree.get_object().begin() + static_cast<std::ptrdiff_t>(i));
    CHECK(members[i].name == std::string_view(member.key()));
    CHECK(ParseJson(members[i].value).value() == member.value());
    CompareSlices(members[i].value, member.value());
  }
  for (std::size_t i = 0; i < elements.size(); ++i) {
    CHECK(ParseJson(elements[i]).value() == tree.get_array()[i]);
    CompareSlices(elements[i], tree.get_array()[i]);
  }
}

void CompareTree(std::string_view text) {
  const auto tree = ParseJson(text);
  if (!tree) return;
  CompareSlices(text, *tree);
  CHECK(ParseJson(WriteJson(*tree)).value() == *tree);
  CHECK(ParseJson(WriteJsonPretty(*tree)).value() == *tree);
  // A double of 2^64 to 10^21 has no point in its canonical text, which is no integer that we take.
  const auto canonical = CanonicalJson(*tree);
  if (!canonical) return;
  const auto again = ParseJson(*canonical);
  if (again) CHECK(CanonicalJson(*again).value() == *canonical);
}

bool IsBlank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

void CompareLines(FlatJsonParser& parser, std::string_view text) {
  FlatJsonParser alone;
  std::string_view rest = text;
  std::size_t number = 0;
  const auto next_line = [&] {
    const std::size_t feed = rest.find('\n');
    const std::string_view line = rest.substr(0, feed);
    rest = feed == std::string_view::npos ? std::string_view() : rest.substr(feed + 1);
    ++number;
    return line;
  };
  parser.ParseLines(text, [&](std::size_t line_number, std::string_view line,
                              salus::Result<FlatJsonParser::Members> members) {
    std::string_view expected = next_line();
    while (IsBlank(expected)) expected = next_line();
    if (expected.ends_with('\r')) expected.remove_suffix(1);
    CHECK(line_number == number);
    CHECK(line == expected);
    const auto single = alone.Parse(line);
    CHECK(single.has_value() == members.has_value());
    if (!single) return;
    CHECK(single->size() == members->size());
    for (std::size_t i = 0; i < single->size(); ++i) {
      CHECK((*single)[i].name == (*members)[i].name);
      CHECK((*single)[i].text == (*members)[i].text);
      CHECK((*single)[i].kind == (*members)[i].kind);
      CHECK((*single)[i].offset == (*members)[i].offset);
    }
  });
  while (!rest.empty()) CHECK(IsBlank(next_line()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static FlatJsonParser parser;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CompareTree(text);
  CompareFlat(parser, text);
  CompareLines(parser, text);
  return 0;
}

}  // namespace salus::codec
