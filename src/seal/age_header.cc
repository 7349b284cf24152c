#include "seal/age_header.h"

#include <algorithm>

#include "base/check.h"
#include "codec/base64.h"
#include "crypto/hkdf.h"
#include "crypto/hmac.h"
#include "seal/key_access.h"

namespace salus::seal {

namespace {

constexpr std::size_t kColumns = 64;
constexpr std::size_t kMaxLineBytes = 4'000;
constexpr std::string_view kStanzaMark = "-> ";
constexpr std::string_view kMacMark = "---";
constexpr std::size_t kMacDigits = 43;

crypto::Hash32 MacOf(const FileKey& key, std::string_view authenticated) {
  SecretArray<32> mac_key;
  CHECK(crypto::HkdfSha256(key.view(KeyAccess::Token()), {}, AsBytes("header"),
                           mac_key.mutable_view(KeyAccess::Token()))
            .has_value());
  return crypto::HmacSha256Key(mac_key).Mac(AsBytes(authenticated));
}

bool IsArgument(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return c >= '\x21' && c <= '\x7e'; });
}

Error BadHeader(std::size_t line, std::string_view what) {
  return VerificationFailed("the header is not well formed: line " + std::to_string(line) + ": " +
                            std::string(what));
}

// "-> TYPE ARGUMENT..."
std::optional<Stanza> ParseArguments(std::string_view line) {
  Stanza stanza;
  line.remove_prefix(kStanzaMark.size());
  for (bool is_first = true;; is_first = false) {
    const std::size_t end = line.find(' ');
    const std::string_view argument = line.substr(0, end);
    if (!IsArgument(argument)) return std::nullopt;
    if (is_first) {
      stanza.type = argument;
    } else {
      stanza.arguments.emplace_back(argument);
    }
    if (end == std::string_view::npos) return stanza;
    line.remove_prefix(end + 1);
  }
}

void AppendStanza(const Stanza& stanza, std::string& out) {
  CHECK(IsArgument(stanza.type));
  out += kStanzaMark;
  out += stanza.type;
  for (const std::string& argument : stanza.arguments) {
    CHECK(IsArgument(argument));
    out += ' ' + argument;
  }
  out += '\n';
  const std::string body = codec::Base64RawEncode(stanza.body);
  // The last line is shorter than the others, so a body of full lines ends in an empty one.
  for (std::size_t at = 0; at <= body.size(); at += kColumns) {
    out += body.substr(at, kColumns) + '\n';
  }
}

// Lines counts what it reads, and keeps the text.
class Lines {
 public:
  Lines(BufferedSource& source, std::string& text) : source_(source), text_(text) {}

  Result<std::string_view> Next() {
    ++number_;
    if (text_.size() + kMaxLineBytes > kMaxHeaderBytes) {
      return ResourceExhausted("the header is larger than 16 MiB, which no file needs");
    }
    Result<std::string_view> line = source_.ReadLine(kMaxLineBytes);
    if (!line) {
      if (line.error().code != ErrorCode::kVerificationFailed) return line;
      return BadHeader(number_, line.error().message);
    }
    const std::size_t start = text_.size();
    text_ += *line;
    text_ += '\n';
    return std::string_view(text_).substr(start, line->size());
  }
  std::size_t number() const { return number_; }

 private:
  BufferedSource& source_;
  std::string& text_;
  std::size_t number_ = 0;
};

Result<Bytes> ReadBody(Lines& lines) {
  Bytes body;
  while (true) {
    TRY(const std::string_view line, lines.Next());
    if (line.size() > kColumns) {
      return BadHeader(lines.number(), "more than 64 characters in the body of a stanza");
    }
    const Result<Bytes> part = codec::Base64RawDecode(line);
    if (!part) return BadHeader(lines.number(), part.error().message);
    Append(body, *part);
    if (line.size() < kColumns) return body;
  }
}

}  // namespace

Result<AgeHeader> AgeHeader::Read(BufferedSource& source) {
  AgeHeader header;
  Lines lines(source, header.text_);
  Result<std::string_view> version = lines.Next();
  if (!version && version.error().code == ErrorCode::kVerificationFailed) {
    return VerificationFailed("this is no sealed file: it does not begin with \"" +
                              std::string(kAgeVersionLine) + "\"");
  }
  if (!version) return std::move(version.error());
  if (*version != kAgeVersionLine) {
    return VerificationFailed(version->starts_with("age-encryption.org/")
                                  ? "the file is of a version of age that is not known here"
                                  : "this is no sealed file: it does not begin with \"" +
                                        std::string(kAgeVersionLine) + "\"");
  }
  while (true) {
    TRY(const std::string_view line, lines.Next());
    if (line.starts_with(kMacMark)) {
      const std::size_t start = kMacMark.size() + 1;
      if (line.size() != start + kMacDigits || line[kMacMark.size()] != ' ') {
        return BadHeader(lines.number(), "the MAC has another form");
      }
      const Result<Bytes> mac = codec::Base64RawDecode(line.substr(start));
      if (!mac) return BadHeader(lines.number(), mac.error().message);
      std::copy(mac->begin(), mac->end(), header.mac_.begin());
      header.authenticated_size_ = header.text_.size() - 1 - kMacDigits - 1;
      break;
    }
    std::optional<Stanza> stanza;
    if (line.starts_with(kStanzaMark)) stanza = ParseArguments(line);
    if (!stanza) return BadHeader(lines.number(), "neither a stanza nor the MAC");
    if (header.stanzas_.size() == kMaxStanzas) {
      return ResourceExhausted("the file has more than 20,000 recipients");
    }
    TRY(stanza->body, ReadBody(lines));
    header.stanzas_.push_back(*std::move(stanza));
  }
  if (header.stanzas_.empty()) return BadHeader(2, "there is no recipient");
  return header;
}

AgeHeader AgeHeader::Make(std::vector<Stanza> stanzas, const FileKey& key) {
  AgeHeader header;
  header.text_ = std::string(kAgeVersionLine) + '\n';
  for (const Stanza& stanza : stanzas) AppendStanza(stanza, header.text_);
  header.text_ += kMacMark;
  header.authenticated_size_ = header.text_.size();
  header.mac_ = MacOf(key, header.text_);
  header.text_ += ' ' + codec::Base64RawEncode(header.mac_) + '\n';
  header.stanzas_ = std::move(stanzas);
  return header;
}

bool AgeHeader::Has(std::string_view type) const {
  return std::ranges::any_of(stanzas_, [&](const Stanza& stanza) { return stanza.type == type; });
}

Result<void> AgeHeader::Verify(const FileKey& key) const {
  const crypto::Hash32 mac = MacOf(key, std::string_view(text_).substr(0, authenticated_size_));
  if (ConstantTimeEqual(mac, mac_)) return {};
  return VerificationFailed("the header was changed: its MAC does not fit the file's key");
}

}  // namespace salus::seal
