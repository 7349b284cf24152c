// ArmorSource and ArmorSink are a sealed file as text, for mail and for copying.
//
// Source: C2SP age.md, "ASCII armor"; RFC 7468 section 3, strict, with LF or CRLF read.
// Shape:  "-----BEGIN AGE ENCRYPTED FILE-----", lines of 64 characters of padded base64, the last
//         shorter or full, "-----END AGE ENCRYPTED FILE-----"; white space in front and behind is
//         read, nothing else.
#pragma once

#include <string>
#include <string_view>

#include "seal/buffered_source.h"
#include "seal/stream.h"

namespace salus::seal {

// IsArmored looks ahead: white space, at most 1,024 bytes of it, and then the first line's
// beginning.
Result<bool> IsArmored(BufferedSource& source);

class ArmorSource final : public ByteSource {
 public:
  // The source, at the beginning of the text, outlives it.
  explicit ArmorSource(BufferedSource& source) : source_(source) {}

  // Errors: VerificationFailed for all that is not strict armor, also text behind it.
  Result<std::size_t> Read(MutableByteSpan out) override;

 private:
  Result<void> NextLine();
  Result<void> ReadEnd();

  BufferedSource& source_;
  Bytes decoded_;
  std::size_t used_ = 0;  // of decoded_
  bool has_begun_ = false;
  bool has_last_line_ = false;
  bool is_ended_ = false;
};

class ArmorSink final : public ByteSink {
 public:
  // out outlives it.
  explicit ArmorSink(ByteSink& out) : out_(out) {}

  Result<void> Write(ByteSpan bytes) override;
  // Finish writes the last line. Call once.
  Result<void> Finish();

 private:
  Result<void> PutLines(ByteSpan bytes);

  ByteSink& out_;
  Bytes rest_;  // of the last line, less than 48 bytes
  bool has_begun_ = false;
};

}  // namespace salus::seal
