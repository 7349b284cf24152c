// Note is a text with signatures under names: the envelope of checkpoints and receipts.
//
// Source: C2SP signed-note.
// Shape:  UTF-8 without control characters but newline; the text ends in a newline, then an empty
//         line, then 1 to 64 lines "EM-DASH NAME BASE64(u32 key ID || signature)"; 1 MiB at most.
//         The last empty line is where text and signatures part.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tlog/verifier_key.h"

namespace salus::tlog {

inline constexpr std::size_t kMaxNoteBytes = 1u << 20;
inline constexpr std::size_t kMaxNoteSignatures = 64;

// NoteSignature is one signature line.
struct NoteSignature {
  std::string key_name;
  KeyId key_id;
  Bytes signature;  // without the key ID; not empty

  // Line ends in a newline. Errors of Parse, which takes a line without it: InvalidArgument.
  std::string Line() const;
  static Result<NoteSignature> Parse(std::string_view line);
  // Detached is the last part of the line, base64 of key ID and signature, for where text and key
  // are known and nothing but ASCII passes.
  std::string Detached() const;
  friend bool operator==(const NoteSignature&, const NoteSignature&) = default;
};

// ParseSignatureLines reads one or more lines, each with its newline (also a witness's answer).
// Errors: InvalidArgument.
Result<std::vector<NoteSignature>> ParseSignatureLines(std::string_view lines);

// VerifiedSignature names the key that signed, by its place in the list that was handed to Verify.
struct VerifiedSignature {
  std::size_t key = 0;
  std::optional<std::uint64_t> unix_seconds;  // of a cosignature
  friend bool operator==(const VerifiedSignature&, const VerifiedSignature&) = default;
};

// VerifyDetached checks NoteSignature::Detached by a key of type 0x01 over the text of a note.
// Errors: VerificationFailed, whatever is wrong with it.
Result<void> VerifyDetached(const VerifierKey& key, std::string_view text,
                            std::string_view detached);

class Note {
 public:
  // Errors: InvalidArgument, for anything that ToText would not write.
  static Result<Note> Parse(std::string_view note);

  // Create starts a note whose signatures are still to be added.
  // Errors: InvalidArgument when the text can't be that of a note.
  static Result<Note> Create(std::string_view text);
  // Errors: ResourceExhausted above 64 signatures.
  Result<void> Add(NoteSignature signature);

  const std::string& text() const { return text_; }
  const std::vector<NoteSignature>& signatures() const { return signatures_; }
  std::string ToText() const;

  // Verify checks the signatures of those keys that it knows, and passes over all others. Each key
  // that signed is returned once, with its newest time.
  // Errors: VerificationFailed when a known key's signature fails, or no known key has signed;
  // InvalidArgument when two of the keys have one name and key ID.
  Result<std::vector<VerifiedSignature>> Verify(std::span<const VerifierKey> keys) const;

  friend bool operator==(const Note&, const Note&) = default;

 private:
  explicit Note(std::string_view text) : text_(text) {}

  std::string text_;
  std::vector<NoteSignature> signatures_;
};

}  // namespace salus::tlog
