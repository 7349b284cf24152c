#include "codec/flat_json.h"

#include <simdjson.h>

#include <cstring>
#include <string>

#include "base/check.h"
#include "base/utf8.h"
#include "codec/json.h"
#include "codec/json_token.h"

// stage1() and structural_indexes are public members of an internal class. They have stood as they
// are through the 3.x series; another major version must be looked at before it is trusted.
static_assert(simdjson::SIMDJSON_VERSION_MAJOR == 3,
              "check simdjson's stage 1 before taking a new version");

namespace salus::codec {

namespace {

using simdjson::internal::dom_parser_implementation;

// A window's text and index together stay inside a core's L2 cache.
constexpr std::size_t kWindowBytes = 128 * 1024;
static_assert(kWindowBytes > FlatJsonParser::kMaxLineBytes);

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Where the first byte stands that is no part of a UTF-8 character.
std::size_t FindBadUtf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (!IsValidUtf8(text.substr(at, size))) return at;
    at += size;
  }
  return at;
}

// Where the first control character in a string stands, or else the quote that opens the last one.
std::size_t FindBadString(std::string_view text) {
  bool is_inside = false;
  bool is_escaped = false;
  std::size_t opened = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (is_inside && static_cast<unsigned char>(c) < 0x20) return at;
    if (c == '"' && !is_escaped) {
      is_inside = !is_inside;
      opened = at;
    }
    is_escaped = c == '\\' && !is_escaped;
  }
  return opened;
}

// A small filter in front of the comparison of names: most new names set a bit of their own.
std::uint64_t NameBit(std::string_view name) {
  if (name.empty()) return 1;
  const auto first = static_cast<unsigned char>(name.front());
  const auto last = static_cast<unsigned char>(name.back());
  const std::uint32_t mixed = first * 0x9e3779b1u ^ last * 0x85ebca6bu ^
                              static_cast<std::uint32_t>(name.size()) * 0xc2b2ae35u;
  return std::uint64_t{1} << (mixed >> 26);
}

}  // namespace

// State walks the index. Positions in the index count from base_, the start of the indexed text;
// positions in messages and members count from the start of the line.
struct FlatJsonParser::State {
  State() {
    const auto failure = simdjson::get_active_implementation()->create_dom_parser_implementation(
        kWindowBytes, 1, index);
    CHECK(failure == simdjson::SUCCESS);
    unescaped.reserve(kMaxLineBytes);
  }

  std::unique_ptr<dom_parser_implementation> index;
  std::array<FlatMember, kMaxMembers> members;
  std::size_t count = 0;
  std::uint64_t name_bits = 0;
  std::string unescaped;  // never grows over its reserve: views into it stay good
  Error error{ErrorCode::kInvalidArgument, {}};

  std::string_view buffer;
  std::size_t position = 0;      // of the next line in buffer
  std::size_t window_begin = 0;  // of the indexed window
  std::size_t window_end = 0;
  std::size_t line_number = 0;
  std::uint32_t next_structural = 0;  // the first structural not yet walked
  bool indexed = false;

  simdjson::error_code IndexText(std::string_view text);
  bool NextWindow();
  bool ParseAlone(std::string_view line);
  bool Walk(const char* base, const std::uint32_t*& at, std::size_t begin, std::size_t end);
  [[gnu::noinline, gnu::cold]] bool Fail(std::size_t offset, std::string_view what);
  [[gnu::noinline, gnu::cold]] bool FailLine(std::string_view what);

 private:
  bool Content(std::string_view raw, bool may_escape, std::size_t offset, std::string_view& out);
  bool AddName(std::string_view name, std::size_t offset);
  bool Scalar(std::string_view text, FlatMember& member);
  bool Nested(const char* base, const std::uint32_t*& at, std::size_t begin, std::size_t end,
              FlatMember& member);
  bool Value(const char* base, const std::uint32_t*& at, std::size_t begin, std::size_t end,
             bool may_escape, FlatMember& member);
};

bool FlatJsonParser::State::Fail(std::size_t offset, std::string_view what) {
  return FailLine("byte " + std::to_string(offset) + ": " + std::string(what));
}

bool FlatJsonParser::State::FailLine(std::string_view what) {
  error = InvalidArgument("json: " + std::string(what));
  return false;
}

simdjson::error_code FlatJsonParser::State::IndexText(std::string_view text) {
  const auto result = index->stage1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                                    simdjson::stage1_mode::regular);
  if (result != simdjson::EMPTY) return result;
  index->structural_indexes[0] = static_cast<std::uint32_t>(text.size());
  return simdjson::SUCCESS;
}

// The content of a string or name without its escapes.
inline bool FlatJsonParser::State::Content(std::string_view raw, bool may_escape,
                                           std::size_t offset, std::string_view& out) {
  out = raw;
  if (!may_escape || raw.find('\\') == std::string_view::npos) [[likely]]
    return true;
  const std::size_t start = unescaped.size();
  if (!UnescapeJson(raw, unescaped)) return Fail(offset, "bad escape in a string");
  out = std::string_view(unescaped).substr(start);
  return true;
}

inline bool FlatJsonParser::State::AddName(std::string_view name, std::size_t offset) {
  const std::uint64_t bit = NameBit(name);
  if ((name_bits & bit) != 0) {
    for (std::size_t i = 0; i < count; ++i) {
      if (members[i].name == name) return Fail(offset, "duplicate member name");
    }
  }
  name_bits |= bit;
  if (count == kMaxMembers) return Fail(offset, "more than 64 members");
  members[count].name = name;
  return true;
}

// text is a scalar and the blanks behind it.
inline bool FlatJsonParser::State::Scalar(std::string_view text, FlatMember& member) {
  while (IsBlank(text.back())) text.remove_suffix(1);
  member.text = {};
  switch (text.front()) {
    case 't':
      member.kind = FlatKind::kTrue;
      return text == "true";
    case 'f':
      member.kind = FlatKind::kFalse;
      return text == "false";
    case 'n':
      member.kind = FlatKind::kNull;
      return text == "null";
    default:
      break;
  }
  const JsonNumber number = ClassifyJsonNumber(text);
  if (number == JsonNumber::kNone) return false;
  if (number == JsonNumber::kOther && !ParseJson(text)) return false;  // range, as ParseJson has it
  member.kind = FlatKind::kNumber;
  member.text = text;
  return true;
}

// at stands on an opening bracket; afterwards behind the closing one.
bool FlatJsonParser::State::Nested(const char* base, const std::uint32_t*& at, std::size_t begin,
                                   std::size_t end, FlatMember& member) {
  const std::size_t start = *at;
  std::size_t depth = 0;
  do {
    if (*at >= end) return Fail(start - begin, "an array or object is not closed");
    const char c = base[*at];
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    ++at;
  } while (depth > 0);
  member.kind = FlatKind::kNested;
  member.text = {base + start, at[-1] + 1 - start};
  if (auto nested = ParseJson(member.text, {.max_depth = kMaxDepth - 1}); !nested) {
    return Fail(start - begin, "in the value that begins here: " + nested.error().message);
  }
  return true;
}

// The offset of the quote that closes the string before the structural at next. Only blanks can
// stand between them: anything else would have been a structural itself.
static inline std::size_t ClosingQuote(const char* base, std::size_t next) {
  do {
    --next;
  } while (base[next] != '"');
  return next;
}

// at stands on the value; afterwards on the structural behind it.
inline bool FlatJsonParser::State::Value(const char* base, const std::uint32_t*& at,
                                         std::size_t begin, std::size_t end, bool may_escape,
                                         FlatMember& member) {
  const std::size_t start = *at;
  member.offset = static_cast<std::uint32_t>(start - begin);
  const char c = base[start];
  if (c == '"') [[likely]] {
    const std::size_t next = at[1];
    if (next >= end) return Fail(end - begin, "the object is not closed");
    ++at;
    member.kind = FlatKind::kString;
    const std::string_view raw(base + start + 1, ClosingQuote(base, next) - start - 1);
    return Content(raw, may_escape, start - begin, member.text);
  }
  if (c == '{' || c == '[') return Nested(base, at, begin, end, member);
  const std::size_t next = at[1];
  if (next >= end) return Fail(end - begin, "the object is not closed");
  ++at;
  return Scalar({base + start, next - start}, member) || Fail(start - begin, "not a value");
}

// Reads the object whose structurals begin at `at` and end before `end`.
bool FlatJsonParser::State::Walk(const char* base, const std::uint32_t*& at, std::size_t begin,
                                 std::size_t end) {
  count = 0;
  name_bits = 0;
  unescaped.clear();
  if (*at >= end) return Fail(0, "no object");
  if (base[*at] != '{') return Fail(*at - begin, "not an object");
  const bool may_escape = std::memchr(base + begin, '\\', end - begin) != nullptr;
  ++at;
  if (*at < end && base[*at] == '}') {
    ++at;
  } else {
    while (true) {
      const std::size_t start = *at;
      if (start >= end) return Fail(end - begin, "the object is not closed");
      if (base[start] != '"') return Fail(start - begin, "expected a member name");
      const std::size_t colon = at[1];
      if (colon >= end || base[colon] != ':') return Fail(start - begin, "no colon behind a name");
      if (at[2] >= end) return Fail(end - begin, "a value is missing");
      std::string_view name(base + start + 1, ClosingQuote(base, colon) - start - 1);
      if (!Content(name, may_escape, start - begin, name)) return false;
      if (!AddName(name, start - begin)) return false;
      at += 2;
      if (!Value(base, at, begin, end, may_escape, members[count])) return false;
      ++count;
      if (*at >= end) return Fail(end - begin, "the object is not closed");
      const char separator = base[*at++];
      if (separator == '}') break;
      if (separator != ',') return Fail(at[-1] - begin, "expected a comma or the object's end");
    }
  }
  if (*at < end) return Fail(*at - begin, "something follows the object");
  return true;
}

// Finds the next window of whole lines and indexes it; false where a line is longer than a window.
bool FlatJsonParser::State::NextWindow() {
  window_begin = position;
  std::string_view window = buffer.substr(position, kWindowBytes);
  if (window.size() < buffer.size() - position) {
    const std::size_t last = window.rfind('\n');
    if (last == std::string_view::npos) return false;
    window = window.substr(0, last + 1);
  }
  window_end = position + window.size();
  // A line that is not UTF-8, or with a stray quote, spoils the index of its whole window. Then
  // each line is indexed alone, and only that one fails.
  indexed = IndexText(window) == simdjson::SUCCESS;
  next_structural = 0;
  return true;
}

bool FlatJsonParser::State::ParseAlone(std::string_view line) {
  if (line.size() > kMaxLineBytes) return FailLine("longer than 64 KiB");
  switch (IndexText(line)) {
    case simdjson::SUCCESS: {
      const std::uint32_t* at = index->structural_indexes.get();
      return Walk(line.data(), at, 0, line.size());
    }
    case simdjson::UTF8_ERROR:
      return Fail(FindBadUtf8(line), "not UTF-8");
    case simdjson::UNCLOSED_STRING:
      return Fail(FindBadString(line), "a string is not closed");
    case simdjson::UNESCAPED_CHARS:
      return Fail(FindBadString(line), "a control character in a string");
    default:
      return Fail(0, "can't be read");
  }
}

FlatJsonParser::FlatJsonParser() : state_(std::make_unique<State>()) {}
FlatJsonParser::~FlatJsonParser() = default;
FlatJsonParser::FlatJsonParser(FlatJsonParser&&) noexcept = default;
FlatJsonParser& FlatJsonParser::operator=(FlatJsonParser&&) noexcept = default;

Result<FlatJsonParser::Members> FlatJsonParser::Parse(std::string_view line) {
  if (!state_->ParseAlone(line)) return TakeError();
  return Members(state_->members.data(), state_->count);
}

Error FlatJsonParser::TakeError() { return std::move(state_->error); }

void FlatJsonParser::Begin(std::string_view buffer) {
  state_->buffer = buffer;
  state_->position = state_->window_end = 0;
  state_->line_number = 0;
}

bool FlatJsonParser::NextLine(Line& line) {
  State& s = *state_;
  while (s.position < s.buffer.size()) {
    const bool whole = s.position < s.window_end || s.NextWindow();
    const std::size_t begin = s.position;
    const std::size_t feed = s.buffer.find('\n', begin);
    const std::size_t end = feed == std::string_view::npos ? s.buffer.size() : feed;
    s.position = std::min(end + 1, s.buffer.size());
    if (!whole) s.window_end = s.position;
    line.number = ++s.line_number;
    line.text = s.buffer.substr(begin, end - begin);
    if (line.text.ends_with('\r')) line.text.remove_suffix(1);

    if (!whole || !s.indexed) {
      if (line.text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      line.failed = !s.ParseAlone(line.text);
    } else {
      const std::uint32_t* at = s.index->structural_indexes.get() + s.next_structural;
      const std::size_t window_end = end - s.window_begin;
      if (*at >= window_end) continue;
      if (line.text.size() > kMaxLineBytes) {
        line.failed = !s.FailLine("longer than 64 KiB");
      } else {
        line.failed =
            !s.Walk(s.buffer.data() + s.window_begin, at, begin - s.window_begin, window_end);
      }
      while (*at < window_end) ++at;
      s.next_structural = static_cast<std::uint32_t>(at - s.index->structural_indexes.get());
    }
    line.members = {s.members.data(), line.failed ? 0 : s.count};
    return true;
  }
  return false;
}

const FlatMember* FindMember(FlatJsonParser::Members members, std::string_view name) {
  for (const FlatMember& member : members) {
    if (member.name == name) return &member;
  }
  return nullptr;
}

}  // namespace salus::codec
