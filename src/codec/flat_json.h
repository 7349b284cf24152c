#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::codec {

// FlatKind is the type of a member's value.
enum class FlatKind : std::uint8_t { kString, kNumber, kTrue, kFalse, kNull, kNested };

// FlatMember is one member of a parsed object. name and text are unescaped. text is the content of
// a string, the digits of a number as they stand, the JSON text of a nested array or object, and
// empty otherwise. offset is where the value begins in its line.
struct FlatMember {
  std::string_view name;
  std::string_view text;
  FlatKind kind;
  std::uint32_t offset;
};

// FlatJsonParser reads lines that hold one JSON object each, fast: access events on their way in.
//
// Source:    RFC 8259 and RFC 7493, exactly what ParseJson takes (the json_fuzz target compares),
// but
//            for the limits below. simdjson 3.0.1's stage 1 finds the structural characters and
//            checks UTF-8; the walk over them is ours. Nested values are checked by ParseJson.
// Shape:     an object of at most 64 members in at most 64 KiB; members come in the order they
// stand. Errors:    InvalidArgument with the byte offset in the line; a duplicate is called by its
// offset,
//            not by its name. ResourceExhausted never: buffers grow to the largest input once.
// Ownership: members view the input, or this parser's own buffer where there was an escape; both
// only
//            until the next call.
// Threads:   one parser per thread.
class FlatJsonParser {
 public:
  static constexpr std::size_t kMaxMembers = 64;
  static constexpr std::size_t kMaxLineBytes = 64 * 1024;
  static constexpr std::size_t kMaxDepth = 32;

  FlatJsonParser();
  ~FlatJsonParser();
  FlatJsonParser(FlatJsonParser&&) noexcept;
  FlatJsonParser& operator=(FlatJsonParser&&) noexcept;

  using Members = std::span<const FlatMember>;

  // Parse reads one line; a line feed in it is white space. No padding is needed behind it.
  Result<Members> Parse(std::string_view line);

  // ParseLines calls on_line(line_number, line, Result<Members>) for each line of an NDJSON buffer,
  // counted from 1. Lines end in LF or CRLF; the last may lack it; lines of nothing but blanks,
  // tabs and CR are counted and passed over. A malformed line is reported and does not touch the
  // others. The buffer is indexed in windows of whole lines, about a MiB each, so that stage 1
  // costs little per line.
  template <typename OnLine>
  void ParseLines(std::string_view buffer, OnLine&& on_line) {
    Begin(buffer);
    Line line;
    while (NextLine(line)) {
      if (line.failed) [[unlikely]] {
        on_line(line.number, line.text, Result<Members>(TakeError()));
      } else {
        on_line(line.number, line.text, Result<Members>(line.members));
      }
    }
  }

 private:
  struct Line {
    std::size_t number;
    std::string_view text;
    Members members;
    bool failed;
  };
  struct State;

  void Begin(std::string_view buffer);
  bool NextLine(Line& line);
  Error TakeError();

  std::unique_ptr<State> state_;
};

// FindMember returns the member of that name, or nullptr.
const FlatMember* FindMember(FlatJsonParser::Members members, std::string_view name);

}  // namespace salus::codec
