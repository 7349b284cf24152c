#include "seal/armor.h"

#include <algorithm>

#include "codec/base64.h"

namespace salus::seal {

namespace {

constexpr std::string_view kBegin = "-----BEGIN AGE ENCRYPTED FILE-----";
constexpr std::string_view kEnd = "-----END AGE ENCRYPTED FILE-----";
constexpr std::size_t kColumns = 64;
constexpr std::size_t kBytesPerLine = kColumns / 4 * 3;
constexpr std::size_t kMaxSpace = 1'024;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

Error BadArmor(std::string_view what) {
  return VerificationFailed("the armor is not well formed: " + std::string(what));
}

}  // namespace

Result<bool> IsArmored(BufferedSource& source) {
  TRY(const ByteSpan ahead, source.Peek(kMaxSpace + kBegin.size()));
  std::string_view text = AsText(ahead);
  const auto start = std::ranges::find_if_not(text, IsSpace);
  text.remove_prefix(static_cast<std::size_t>(start - text.begin()));
  return text.starts_with("-----BEGIN AGE");
}

Result<void> ArmorSource::NextLine() {
  if (!has_begun_) {
    TRY(const ByteSpan ahead, source_.Peek(kMaxSpace));
    const std::string_view space = AsText(ahead);
    const auto start = std::ranges::find_if_not(space, IsSpace);
    Bytes skipped(static_cast<std::size_t>(start - space.begin()));
    TRY_VOID(source_.Read(skipped));
  }
  Result<std::string_view> read = source_.ReadLine(kMaxSpace);
  if (!read) {
    if (read.error().code != ErrorCode::kVerificationFailed) return std::move(read.error());
    // The last line may lack its line feed.
    Bytes tail(kEnd.size() + 1);
    TRY(const std::size_t size, source_.Read(tail));
    if (!has_begun_ || AsText(ByteSpan(tail).first(size)) != kEnd)
      return BadArmor("a line is cut off");
    is_ended_ = true;
    return {};
  }
  std::string_view line = *read;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!has_begun_) {
    has_begun_ = true;
    if (line != kBegin) return BadArmor("the first line is another");
    return {};
  }
  if (line == kEnd) return ReadEnd();
  if (has_last_line_) return BadArmor("a short line is followed by another");
  if (line.empty()) return BadArmor("an empty line");
  if (line.size() > kColumns) return BadArmor("a line of more than 64 characters");
  has_last_line_ = line.size() < kColumns || line.ends_with('=');
  Result<Bytes> decoded = codec::Base64Decode(line);
  if (!decoded) return BadArmor(decoded.error().message);
  decoded_ = *std::move(decoded);
  used_ = 0;
  return {};
}

Result<void> ArmorSource::ReadEnd() {
  is_ended_ = true;
  std::array<std::uint8_t, 256> behind;
  for (std::size_t total = 0;;) {
    TRY(const std::size_t size, source_.Read(behind));
    const std::string_view text = AsText(ByteSpan(behind).first(size));
    total += size;
    if (total > kMaxSpace || !std::ranges::all_of(text, IsSpace)) {
      return BadArmor("something follows its end");
    }
    if (size < behind.size()) return {};
  }
}

Result<std::size_t> ArmorSource::Read(MutableByteSpan out) {
  std::size_t size = 0;
  while (size < out.size()) {
    if (used_ == decoded_.size()) {
      if (is_ended_) break;
      TRY_VOID(NextLine());
      continue;
    }
    const std::size_t part = std::min(out.size() - size, decoded_.size() - used_);
    std::copy_n(decoded_.begin() + static_cast<std::ptrdiff_t>(used_), part,
                out.begin() + static_cast<std::ptrdiff_t>(size));
    used_ += part;
    size += part;
  }
  return size;
}

Result<void> ArmorSink::PutLines(ByteSpan bytes) {
  std::string text;
  if (!has_begun_) text.append(kBegin).append("\n");
  has_begun_ = true;
  text.reserve(text.size() + (bytes.size() / kBytesPerLine + 1) * (kColumns + 1));
  while (!bytes.empty()) {
    const ByteSpan line = bytes.first(std::min(bytes.size(), kBytesPerLine));
    text.append(codec::Base64Encode(line)).append("\n");
    bytes = bytes.subspan(line.size());
  }
  return out_.Write(AsBytes(text));
}

Result<void> ArmorSink::Write(ByteSpan bytes) {
  if (!rest_.empty()) {
    const std::size_t size = std::min(bytes.size(), kBytesPerLine - rest_.size());
    Append(rest_, bytes.first(size));
    bytes = bytes.subspan(size);
    if (rest_.size() < kBytesPerLine) return {};
    TRY_VOID(PutLines(rest_));
    rest_.clear();
  }
  const std::size_t whole = bytes.size() - bytes.size() % kBytesPerLine;
  if (whole > 0) TRY_VOID(PutLines(bytes.first(whole)));
  Append(rest_, bytes.subspan(whole));
  return {};
}

Result<void> ArmorSink::Finish() {
  TRY_VOID(PutLines(rest_));
  return out_.Write(AsBytes(std::string(kEnd) + "\n"));
}

}  // namespace salus::seal
