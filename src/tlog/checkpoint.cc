#include "tlog/checkpoint.h"

#include <charconv>

#include "codec/base64.h"

namespace salus::tlog {
namespace {

// Takes one line off the front, without its newline; nullopt when there is none.
std::optional<std::string_view> TakeLine(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

Error BadCheckpoint(std::string_view what) {
  return InvalidArgument("checkpoint: " + std::string(what));
}

}  // namespace

Result<std::uint64_t> ParseDecimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = error == std::errc() && end == text.data() + text.size();
  if (!is_whole || (text.size() > 1 && text.front() == '0') || value > merkle::kMaxTreeSize.value) {
    return InvalidArgument("not a decimal number up to 2^63 without leading zeros");
  }
  return value;
}

Result<Checkpoint> Checkpoint::Parse(std::string_view body) {
  Checkpoint checkpoint;
  const auto origin = TakeLine(body);
  if (!origin || origin->empty()) return BadCheckpoint("line 1 is not an origin");
  checkpoint.origin = *origin;
  const auto size_line = TakeLine(body);
  if (!size_line) return BadCheckpoint("ends before its size");
  const auto size = ParseDecimal(*size_line);
  if (!size) return BadCheckpoint("line 2 is not a size");
  checkpoint.size = {*size};
  const auto root_line = TakeLine(body);
  if (!root_line) return BadCheckpoint("ends before its root");
  const auto root_bytes = codec::Base64Decode(*root_line);
  if (!root_bytes || root_bytes->size() != RootHash::kSize) {
    return BadCheckpoint("line 3 is not a base64 hash of 32 bytes");
  }
  TRY(checkpoint.root, RootHash::FromBytes(*root_bytes));
  while (!body.empty()) {
    const auto line = TakeLine(body);
    if (!line || line->empty()) return BadCheckpoint("an extension line is empty or does not end");
    checkpoint.extensions.emplace_back(*line);
  }
  return checkpoint;
}

std::string Checkpoint::Body() const {
  std::string body =
      origin + "\n" + std::to_string(size.value) + "\n" + codec::Base64Encode(root.span()) + "\n";
  for (const std::string& line : extensions) body.append(line).append("\n");
  return body;
}

Result<SignedCheckpoint> SignedCheckpoint::Parse(std::string_view note_text) {
  TRY(Note note, Note::Parse(note_text));
  TRY(Checkpoint checkpoint, Checkpoint::Parse(note.text()));
  return SignedCheckpoint{std::move(note), std::move(checkpoint)};
}

}  // namespace salus::tlog
