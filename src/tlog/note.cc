#include "tlog/note.h"

#include <algorithm>

#include "base/endian.h"
#include "base/utf8.h"
#include "codec/base64.h"

namespace salus::tlog {
namespace {

constexpr std::string_view kLineStart = "\xe2\x80\x94 ";  // em dash, space
constexpr std::size_t kKeyIdSize = 4;

bool IsNoteText(std::string_view text) {
  return IsValidUtf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 && c != '\n';
         });
}

Error BadLine() {
  return InvalidArgument("not a signature line: expected an em dash, a key name and base64");
}

}  // namespace

std::string NoteSignature::Detached() const {
  Bytes bytes;
  AppendBe(bytes, key_id.value);
  Append(bytes, signature);
  return codec::Base64Encode(bytes);
}

std::string NoteSignature::Line() const {
  return std::string(kLineStart) + key_name + " " + Detached() + "\n";
}

Result<NoteSignature> NoteSignature::Parse(std::string_view line) {
  if (!line.starts_with(kLineStart)) return BadLine();
  line.remove_prefix(kLineStart.size());
  const std::size_t space = line.find(' ');
  if (space == line.npos || !CheckKeyName(line.substr(0, space))) return BadLine();
  const auto bytes = codec::Base64Decode(line.substr(space + 1));
  if (!bytes || bytes->size() <= kKeyIdSize) return BadLine();
  return NoteSignature{std::string(line.substr(0, space)),
                       {LoadBe<std::uint32_t>(bytes->data())},
                       Bytes(bytes->begin() + kKeyIdSize, bytes->end())};
}

Result<void> VerifyDetached(const VerifierKey& key, std::string_view text,
                            std::string_view detached) {
  const auto bytes = codec::Base64Decode(detached);
  const bool names_key =
      bytes && bytes->size() > kKeyIdSize && LoadBe<std::uint32_t>(bytes->data()) == key.id().value;
  if (!names_key || key.type() != SignatureType::kEd25519) {
    return VerificationFailed("it is not signed by " + key.name());
  }
  TRY_VOID(key.Verify(text, ByteSpan(*bytes).subspan(kKeyIdSize)));
  return {};
}

Result<std::vector<NoteSignature>> ParseSignatureLines(std::string_view lines) {
  std::vector<NoteSignature> signatures;
  do {
    const std::size_t end = lines.find('\n');
    if (end == lines.npos) return InvalidArgument("a signature line does not end");
    if (signatures.size() == kMaxNoteSignatures) {
      return InvalidArgument("a note has 64 signatures at most");
    }
    TRY(NoteSignature signature, NoteSignature::Parse(lines.substr(0, end)));
    signatures.push_back(std::move(signature));
    lines.remove_prefix(end + 1);
  } while (!lines.empty());
  return signatures;
}

Result<Note> Note::Create(std::string_view text) {
  if (text.size() > kMaxNoteBytes) return InvalidArgument("a note has 1 MiB at most");
  if (!text.ends_with('\n')) return InvalidArgument("the text of a note ends in a newline");
  if (!IsNoteText(text)) {
    return InvalidArgument("a note is UTF-8 without control characters but newline");
  }
  return Note(text);
}

Result<Note> Note::Parse(std::string_view note) {
  if (note.size() > kMaxNoteBytes) return InvalidArgument("a note has 1 MiB at most");
  const std::size_t split = note.rfind("\n\n");
  if (split == note.npos) return InvalidArgument("a note has an empty line before its signatures");
  TRY(Note parsed, Create(note.substr(0, split + 1)));
  TRY(parsed.signatures_, ParseSignatureLines(note.substr(split + 2)));
  return parsed;
}

Result<void> Note::Add(NoteSignature signature) {
  if (signatures_.size() == kMaxNoteSignatures) {
    return ResourceExhausted("a note has 64 signatures at most");
  }
  signatures_.push_back(std::move(signature));
  return {};
}

std::string Note::ToText() const {
  std::string out = text_ + "\n";
  for (const NoteSignature& signature : signatures_) out += signature.Line();
  return out;
}

Result<std::vector<VerifiedSignature>> Note::Verify(std::span<const VerifierKey> keys) const {
  std::vector<VerifiedSignature> verified;
  for (const NoteSignature& signature : signatures_) {
    const auto is_signer = [&signature](const VerifierKey& key) {
      return key.id() == signature.key_id && key.name() == signature.key_name;
    };
    const auto key = std::find_if(keys.begin(), keys.end(), is_signer);
    if (key == keys.end()) continue;
    if (std::find_if(key + 1, keys.end(), is_signer) != keys.end()) {
      return InvalidArgument("two known keys have one name and key ID");
    }
    TRY(const auto time, key->Verify(text_, signature.signature));
    const auto at = static_cast<std::size_t>(key - keys.begin());
    const auto seen = std::find_if(verified.begin(), verified.end(),
                                   [at](const VerifiedSignature& v) { return v.key == at; });
    if (seen == verified.end()) {
      verified.push_back({at, time});
    } else {
      seen->unix_seconds = std::max(seen->unix_seconds, time);
    }
  }
  if (verified.empty()) return VerificationFailed("no known key has signed the note");
  return verified;
}

}  // namespace salus::tlog
